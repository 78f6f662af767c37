"""Lookups, see `opsrun.playbook.templating.library` for the contract."""
