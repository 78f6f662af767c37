"""Which variables a host has at a task: layers by the table of precedence, and magic ones."""
