"""Points in time."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from opsrun.playbook.templating.filters.values import a_text
from opsrun.playbook.templating.library import PluginError


def to_datetime(value: Any, format: str = "%Y-%m-%d %H:%M:%S") -> datetime:
    """The point in time that a text stands for, by the codes of `datetime.strptime`."""
    try:
        return datetime.strptime(a_text(value, "to_datetime"), format)
    except ValueError as error:
        raise PluginError(f"to_datetime: {error}") from error


def strftime(value: Any, second: Any = None, utc: bool = False) -> str:
    """A point in time in the format ``value``, by the codes of `time.strftime`.

    Args:
        second: seconds since 1970; None for now.
        utc: not in the controller's time zone.
    """
    try:
        moment = None if second is None else float(second)
        parts = time.gmtime(moment) if utc else time.localtime(moment)
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise PluginError(f"strftime expects seconds since 1970, not {second!r}") from error
    return time.strftime(a_text(value, "strftime"), parts)


FILTERS: dict[str, Callable[..., Any]] = {"to_datetime": to_datetime, "strftime": strftime}
