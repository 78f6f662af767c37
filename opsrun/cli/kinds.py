"""Kinds of values that click doesn't have."""

from __future__ import annotations

import math
from typing import Any

import click


class Seconds(click.FloatRange):
    """A time to wait: positive and finite.

    Not a number is neither below nor above any limit, so a range alone lets it pass, and whatever
    compares with it never times out, or at once.
    """

    def __init__(self) -> None:
        super().__init__(0, min_open=True)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read a number.

        Raises:
            click.BadParameter: it is none, or not positive, or not finite.
        """
        seconds: float = super().convert(value, param, ctx)
        if not math.isfinite(seconds):
            self.fail(f"{value} is no number of seconds.", param, ctx)
        return seconds


class Rate(click.ParamType[float]):
    """Bytes a second: ``500K``, ``10M``, ``1.5G``; powers of 1024."""

    name = "rate"
    _FACTORS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}  # noqa: RUF012 (click's own way)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read a number with its unit.

        Raises:
            click.BadParameter: it is none, or not positive.
        """
        if isinstance(value, (int, float)):
            text = str(value)
        else:
            text = str(value).strip().upper().removesuffix("/S").removesuffix("B").removesuffix("I")
        unit = text[-1:] if text[-1:] in ("K", "M", "G") else ""
        try:
            rate = float(text.removesuffix(unit)) * self._FACTORS[unit]
        except ValueError:
            rate = 0.0
        if not 0 < rate < math.inf:
            self.fail(f"{value!r} is no rate; say bytes a second: 500K, 10M, 1.5G.", param, ctx)
        return rate
