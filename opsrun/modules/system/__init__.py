"""What a host is set to: its kernel's parameters, its name; and its start."""
