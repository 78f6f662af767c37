"""Outputs of playbooks: opsrun's own, and the one that Ansible's users know."""
