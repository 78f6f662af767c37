"""Ansible's vault: its texts, the secrets that open them, and the files that hold either."""
