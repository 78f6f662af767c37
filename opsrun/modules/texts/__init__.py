"""Modules that edit text: read whole, edited here with Python's ``re``, and written back whole."""
