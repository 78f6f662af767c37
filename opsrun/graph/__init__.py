"""What playbooks do, drawn: plays, roles, includes, handlers and gates."""
