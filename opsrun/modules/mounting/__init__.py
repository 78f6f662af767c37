"""File systems: what is mounted, and the table of what is to be."""
