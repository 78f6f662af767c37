"""What is offered to a server: key files, certificates, the agent's keys, passwords."""
