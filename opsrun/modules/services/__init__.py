"""Services of a host: its service managers, and what each of them is asked."""
