"""Filters, order and pages: from a filter tree to SQL."""
