"""Filters, tests and lookups in plain Python: of playbooks, roles and collections."""
