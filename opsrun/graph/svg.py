"""A graph as a picture: SVG that needs nothing beside it, for light and for dark pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from opsrun.graph.layout import (
    BOLD,
    FONT,
    HEAD,
    MARGIN,
    PAD,
    ROW,
    SMALL,
    Box,
    Page,
    aside,
    kind_width,
    kind_word,
    page,
    play_lines,
)
from opsrun.graph.measure import fitted, text_width
from opsrun.graph.model import Edge, Graph, Item
from opsrun.graph.style import STYLE
from opsrun.graph.wires import Wires

_NO_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LEGEND = (("order", "comes before"), ("notify", "notifies"), ("gate", "opens a gate for"))


def svg_lines(graph: Graph) -> Iterator[str]:
    """The picture. Whatever was written in playbooks is escaped; nothing in it is a script."""
    where = page(graph)
    width, height = _number(where.width), _number(where.height)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-labelledby="title desc">'
    )
    yield f'<title id="title">{_text(graph.title)}</title>'
    yield f'<desc id="desc">{_text(_described(graph))}</desc>'
    yield f"<style>{STYLE}</style>"
    yield from _markers()
    yield f'<rect class="page" width="{width}" height="{height}"/>'
    yield _words("title", MARGIN, 30, graph.title)
    yield _words("small", MARGIN, 48, graph.summary)
    boxes = {box.id: box for play in where.plays for box in play.every() if box.id}
    wires = Wires(where)
    yield from _edges(graph, boxes, wires, ("order",))
    for play in where.plays:
        yield from _box(play)
    yield from _edges(graph, boxes, wires, ("notify", "gate"))
    yield from _legend(graph, where)
    yield "</svg>"


def _described(graph: Graph) -> str:
    plays = "; ".join(f"{play.name} on {', '.join(play_lines(play))}" for play in graph.plays)
    return f"{graph.summary}. Plays: {plays}."


def _markers() -> Iterator[str]:
    yield "<defs>"
    for relation, _ in _LEGEND:
        yield (
            f'<marker id="{relation}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" '
            f'markerHeight="9" markerUnits="userSpaceOnUse" orient="auto">'
            f'<path class="{relation} tip" d="M0 0L8 4L0 8z"/></marker>'
        )
    yield "</defs>"


def _box(box: Box) -> Iterator[str]:
    if box.play is not None:
        yield '<g class="play">'
        yield _hint("\n".join((box.play.name, *play_lines(box.play), box.play.path)))
        yield _rect(box, 8)
        yield from _play_words(box)
    elif box.item is not None:
        rescue = " rescue" if (box.item.kind, box.item.label) == ("part", "rescue") else ""
        yield f'<g class="{box.item.kind}{rescue}">'
        yield _hint(_whole(box.item))
        yield _rect(box, 4)
        yield _label(box, box.item)
    else:
        yield '<g class="handlers">'
        yield _rect(box, 6)
        yield _words("small", box.x + PAD, box.y + ROW - 9, box.title)
    for child in box.children:
        yield from _box(child)
    yield "</g>"


def _play_words(box: Box) -> Iterator[str]:
    assert box.play is not None
    room = box.width - 2 * PAD - 2
    yield _words(
        "name", box.x + PAD + 2, box.y + PAD + HEAD, fitted(box.play.name, HEAD * BOLD, room)
    )
    for number, line in enumerate(play_lines(box.play)):
        y = box.y + PAD + HEAD + 8 + (number + 1) * (SMALL + 5) - 5
        yield _words("small", box.x + PAD + 2, y, fitted(line, SMALL, room))


def _label(box: Box, item: Item) -> str:
    room = box.width - 2 * PAD - kind_width(item)
    label = fitted(item.label, FONT, room)
    left = room - text_width(label, FONT) - 10
    beside = aside(item)
    more = fitted(beside, SMALL, left) if beside and left > 30 else ""
    word = kind_word(item)
    before = f'<tspan class="kind">{word}</tspan><tspan dx="6">' if word else "<tspan>"
    behind = f'<tspan class="aside" dx="9">{_text(more)}</tspan>' if more else ""
    at = f'x="{_number(box.x + PAD)}" y="{_number(box.y + ROW / 2 + 4.5)}"'
    return f'<text class="label" {at}>{before}{_text(label)}</tspan>{behind}</text>'


def _whole(item: Item) -> str:
    """All there is to say of an item, for who points at it."""
    word = "" if item.kind in ("task", "section", "part") else f"{item.kind} "
    return "\n".join(filter(None, (f"{word}{item.label}", aside(item), item.place)))


def _edges(
    graph: Graph, boxes: dict[str, Box], wires: Wires, relations: tuple[str, ...]
) -> Iterator[str]:
    names = {box.id: _called(box) for box in boxes.values()}
    for edge in graph.edges:
        source, target = boxes.get(edge.source), boxes.get(edge.target)
        if edge.relation not in relations or source is None or target is None:
            continue
        yield f'<g class="edge">{_hint(_told(edge, names))}'
        yield (
            f'<path class="{edge.relation}" d="{wires.path(edge, source, target)}" '
            f'marker-end="url(#{edge.relation})"/>'
        )
        yield "</g>"


def _called(box: Box) -> str:
    return box.item.label if box.item else box.play.name if box.play else ""


def _told(edge: Edge, names: dict[str, str]) -> str:
    verb = dict(_LEGEND)[edge.relation]
    label = f" ({edge.label})" if edge.label else ""
    return f"{names[edge.source]} {verb} {names[edge.target]}{label}"


def _legend(graph: Graph, where: Page) -> Iterator[str]:
    there = {edge.relation for edge in graph.edges}
    x, y = MARGIN, where.height - 16
    for relation, words in _LEGEND:
        if relation not in there:
            continue
        yield (
            f'<path class="{relation}" d="M{_number(x)} {_number(y - 4)}h28" '
            f'marker-end="url(#{relation})"/>'
        )
        yield _words("small", x + 36, y, words)
        x += 36 + text_width(words, SMALL) + 24


def _rect(box: Box, radius: int) -> str:
    return (
        f'<rect x="{_number(box.x)}" y="{_number(box.y)}" width="{_number(box.width)}" '
        f'height="{_number(box.height)}" rx="{radius}"/>'
    )


def _words(kind: str, x: float, y: float, text: str) -> str:
    return f'<text class={quoteattr(kind)} x="{_number(x)}" y="{_number(y)}">{_text(text)}</text>'


def _hint(text: str) -> str:
    return f"<title>{_text(text)}</title>"


def _text(text: str) -> str:
    """Escaped, and without what no XML may hold (XML 1.0, 2.2)."""
    kept = (
        c if c in "\t\n" or (c >= " " and not "\ud800" <= c <= "\udfff") else "\ufffd" for c in text
    )
    return escape("".join(kept).replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd"))


def _number(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")
