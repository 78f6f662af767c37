"""Gates of a run of playbooks: who opens them, who waits, and when that is hopeless. Pure."""
