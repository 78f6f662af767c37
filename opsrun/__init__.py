"""Run commands, files and playbooks on many hosts over SSH."""

__version__ = "0.1.0"
