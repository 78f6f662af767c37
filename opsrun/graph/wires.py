"""The courses of lines between boxes, as SVG paths."""

from __future__ import annotations

from opsrun.graph.layout import Box
from opsrun.graph.model import Edge

_BOW = 42.0


def path_of(edge: Edge, source: Box, target: Box) -> str:
    """A line's course: order runs downwards, all else from side to side."""
    if edge.relation == "order":
        return _down(source, target)
    return _across(source, target)


def _down(source: Box, target: Box) -> str:
    x, y = source.x + source.width / 2, source.y + source.height
    to_x, to_y = target.x + target.width / 2, target.y - 1
    if abs(x - to_x) < 1:
        return f"M{x:.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}"
    half = (to_y - y) / 2
    bends = f"{x:.1f} {y + half:.1f} {to_x:.1f} {to_y - half:.1f}"
    return f"M{x:.1f} {y:.1f}C{bends} {to_x:.1f} {to_y:.1f}"


def _across(source: Box, target: Box) -> str:
    y, to_y = _middle(source), _middle(target)
    if target.x >= source.x + source.width:
        return _curve(source.x + source.width, y, target.x - 1, to_y, 1, 1)
    if source.x >= target.x + target.width:
        return _curve(source.x, y, target.x + target.width + 1, to_y, -1, -1)
    # One above the other: out to the left, and in again.
    return _curve(source.x, y, target.x - 1, to_y, -1, 1)


def _middle(box: Box) -> float:
    """Where its label stands."""
    return box.y + min(box.height, 24.0) / 2


def _curve(x: float, y: float, to_x: float, to_y: float, out: int, into: int) -> str:
    bow = max(_BOW, abs(to_x - x) / 2) if out == into else _BOW
    ends = f"{x + out * bow:.1f} {y:.1f} {to_x - into * bow:.1f} {to_y:.1f}"
    return f"M{x:.1f} {y:.1f}C{ends} {to_x:.1f} {to_y:.1f}"
