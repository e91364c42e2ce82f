"""Reads of the database, one module for each subject. Selectors do not write and do not decide."""
