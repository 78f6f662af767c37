"""Filters, see `opsrun.playbook.templating.library` for the contract."""
