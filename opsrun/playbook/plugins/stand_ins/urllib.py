"""``ansible.module_utils.six.moves.urllib``."""

from __future__ import annotations

from urllib import error, parse, request

__all__ = ["error", "parse", "request"]
