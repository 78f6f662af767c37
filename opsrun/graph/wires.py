"""The courses of lines between boxes, as SVG paths."""

from __future__ import annotations

from opsrun.graph.layout import APART, Box, Page
from opsrun.graph.model import Edge

_BOW = 42.0
_LANES = 5
_LANE = 6.0
"""Between lines that run beside each other."""
_ROUND = 7.0


class Wires:
    """Lines on one page. Gates run in the gaps between plays, orders from layer to layer."""

    def __init__(self, page: Page) -> None:
        self._rows = page.rows
        self._owner = {box.id: play for play in page.plays for box in play.every() if box.id}
        self._gates = 0

    def path(self, edge: Edge, source: Box, target: Box) -> str:
        """A line's course."""
        if edge.relation == "order":
            return self._down(source, target)
        if edge.relation == "gate":
            return self._around(source, target)
        return _across(source, target)

    def _down(self, source: Box, target: Box) -> str:
        """To the end of its layer, where nothing more is in the way."""
        x, y = source.x + source.width / 2, source.y + source.height
        to_x, to_y = target.x + target.width / 2, target.y - 1
        low = self._row(source)[1]
        if abs(x - to_x) < 1:
            return f"M{x:.1f} {y:.1f}V{to_y:.1f}"
        middle = (low + to_y) / 2
        bends = f"{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f}"
        return f"M{x:.1f} {y:.1f}V{low:.1f}C{bends} {to_x:.1f} {to_y:.1f}"

    def _around(self, source: Box, target: Box) -> str:
        """Out to the left, along between the layers, and in from the left."""
        aside = 16 + (self._gates % _LANES) * _LANE / 2
        lane = APART / 4 - 2 + (self._gates % _LANES) * _LANE
        self._gates += 1
        mine, other = self._owner[source.id], self._owner[target.id]
        x, y, to_x, to_y = source.x, _middle(source), target.x - 1, _middle(target)
        out, into = mine.x - aside, other.x - aside
        if mine is other:
            return _rounded([(x, y), (out, y), (out, to_y), (to_x, to_y)])
        along = self._row(other)[0] - lane
        return _rounded([(x, y), (out, y), (out, along), (into, along), (into, to_y), (to_x, to_y)])

    def _row(self, box: Box) -> tuple[float, float]:
        return next((top, low) for top, low in self._rows if top <= box.y <= low)


def _across(source: Box, target: Box) -> str:
    y, to_y = _middle(source), _middle(target)
    if target.x >= source.x + source.width:
        x, to_x = source.x + source.width, target.x - 1
        bow = max(_BOW, (to_x - x) / 2)
        bends = f"{x + bow:.1f} {y:.1f} {to_x - bow:.1f} {to_y:.1f}"
        return f"M{x:.1f} {y:.1f}C{bends} {to_x:.1f} {to_y:.1f}"
    # One above the other: out to the left, and in again.
    x, to_x, out = source.x, target.x - 1, min(source.x, target.x) - _BOW
    return f"M{x:.1f} {y:.1f}C{out:.1f} {y:.1f} {out:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"


def _middle(box: Box) -> float:
    """Where its label stands."""
    return box.y + min(box.height, 24.0) / 2


def _rounded(points: list[tuple[float, float]]) -> str:
    """Straight lines through ``points`` with round corners."""
    found = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for before, at, behind in zip(points, points[1:], points[2:], strict=False):
        start, end = _towards(at, before), _towards(at, behind)
        found += f"L{start[0]:.1f} {start[1]:.1f}Q{at[0]:.1f} {at[1]:.1f} {end[0]:.1f} {end[1]:.1f}"
    return f"{found}L{points[-1][0]:.1f} {points[-1][1]:.1f}"


def _towards(at: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """A little way from one point to another on the same horizontal or vertical."""
    dx, dy = other[0] - at[0], other[1] - at[1]
    length = abs(dx) + abs(dy)
    step = min(_ROUND, length / 2) / length if length else 0.0
    return at[0] + dx * step, at[1] + dy * step
