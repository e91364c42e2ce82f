"""A Django project with django-scim2 as its README sets it up, to compare with.

Its middleware is that of ``django-admin startproject``, with one more that opens a request by a bearer token.
"""
