"""Playbooks, task files and roles, read into the nodes of `opsrun.playbook.model`."""
