"""The parts of `./dev`: environment, embedded PostgreSQL, servers, checks and tests.

Standard library only, and nothing of the product: it must run before anything is installed.
It needs a POSIX system (Linux, macOS).
"""
