"""Jobs: one script of a module's that goes on by itself on the host, and is looked at later."""
