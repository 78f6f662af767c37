"""Jinja's own filters and tests, as the library lists them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from jinja2.filters import FILTERS as _FILTERS
from jinja2.tests import TESTS as _TESTS

FILTERS = cast(dict[str, Callable[..., Any]], _FILTERS)
TESTS = cast(dict[str, Callable[..., Any]], _TESTS)

_LAZY = """attr batch count d default dictsort first format groupby items join last length list map
max min random reject rejectattr replace reverse select selectattr slice sort string sum trim
unique"""

LAZY_FILTERS = frozenset(_LAZY.split())
"""Those that read containers through Python's protocols alone, and so may take lazy ones."""

UNDEFINED_FILTERS = frozenset({"d", "default"})
UNDEFINED_TESTS = frozenset({"defined", "undefined"})
"""Those that can be asked about what is not there."""
