"""One task on one host, from its conditions to what it exports."""
