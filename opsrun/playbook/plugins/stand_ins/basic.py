"""``ansible.module_utils.basic``: the one function of it that other plugins use."""

from __future__ import annotations


def missing_required_lib(library: str, reason: str | None = None, url: str | None = None) -> str:
    """What to say where a Python package isn't installed."""
    words = f"the Python package {library} is not installed on the controller"
    words += f"; it is needed {reason}" if reason else ""
    return f"{words}, see {url}" if url else words
