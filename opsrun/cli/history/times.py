"""Points in time, as somebody says them."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta
from typing import Any

import click

_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_AGO = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(s|min|m|h|d|w)(?: ago)?\Z")


class Moment(click.ParamType[float]):
    """``2h`` or ``3d`` ago, ``today``, ``yesterday``, ``14:30``, ``2026-11-24``,
    ``2026-11-24T14:30``: in local time, or with an offset of its own."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Seconds since the epoch.

        Raises:
            click.BadParameter: it is no time.
        """
        if isinstance(value, float):
            return value
        found = moment(str(value), time.time())
        if found is None:
            self.fail(
                f"{value!r} is no time; say 2h, 3d, today, yesterday, 14:30, 2026-11-24 or "
                "2026-11-24T14:30.",
                param,
                ctx,
            )
        return found


def moment(text: str, now: float) -> float | None:
    """Seconds since the epoch; None for what is no time.

    Args:
        text: see `Moment`.
        now: seconds since the epoch.
    """
    text = text.strip()
    if match := _AGO.match(text):
        return now - float(match[1]) * _UNITS[match[2]]
    today = datetime.fromtimestamp(now).replace(hour=0, minute=0, second=0, microsecond=0)
    days = {"today": today, "yesterday": today - timedelta(days=1)}
    try:
        if text in days:
            return days[text].timestamp()
        if re.match(r"[0-9]{1,2}:[0-9]{2}", text):
            at = datetime.strptime(text, "%H:%M:%S" if text.count(":") > 1 else "%H:%M")
            return today.replace(hour=at.hour, minute=at.minute, second=at.second).timestamp()
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def shown(at: float, now: float) -> str:
    """A time in local words, short: the clock for today, else the day, with its year if that is
    another one."""
    try:
        then, today = datetime.fromtimestamp(at), datetime.fromtimestamp(now)
    except (ValueError, OverflowError, OSError):
        return "?"
    if then.date() == today.date():
        return f"{then:%H:%M:%S}"
    return f"{then:%m-%d %H:%M}" if then.year == today.year else f"{then:%Y-%m-%d}"
