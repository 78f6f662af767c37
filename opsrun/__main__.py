"""``python -m opsrun``."""

from opsrun.cli.main import entry_point

entry_point()
