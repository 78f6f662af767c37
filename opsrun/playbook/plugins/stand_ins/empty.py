"""A package that has only parts."""
