"""Tests (``x is y``), see `opsrun.playbook.templating.library` for the contract."""
