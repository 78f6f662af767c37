"""What was found, written down for people and for programs."""
