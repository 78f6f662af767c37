"""Where everything goes: boxes in boxes, plays in layers by what they follow.

Pure arithmetic. Boxes never overlap: those in one box stand below each other, or in two columns;
plays that nobody ordered stand side by side, those that follow stand in a layer below.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from opsrun.graph.measure import text_width
from opsrun.graph.model import Edge, Graph, Item, PlayTree

FONT = 13.0
SMALL = 11.0
HEAD = 16.0
ROW = 24.0
"""Height of one line of text in its box."""
PAD = 8.0
GAP = 5.0
GUTTER = 90.0
"""Between what a play does and its handlers: room for lines."""
APART = 70.0
"""Between plays."""
TOP = 84.0
"""Of the page's heading."""
MARGIN = 34.0
NARROWEST, WIDEST = 180.0, 540.0
BOLD = 1.12
"""How much wider bold text is."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle with what is in it; of the page, in pixels."""

    x: float
    y: float
    width: float
    height: float
    item: Item | None = None
    play: PlayTree | None = None
    title: str = ""
    """Of a box that only groups."""
    children: tuple[Box, ...] = ()

    @property
    def id(self) -> str:
        """Of what is drawn in it; empty for a box that only groups."""
        return self.item.id if self.item else self.play.id if self.play else ""

    def moved(self, x: float, y: float) -> Box:
        """The same elsewhere."""
        inner = tuple(child.moved(x, y) for child in self.children)
        return replace(self, x=self.x + x, y=self.y + y, children=inner)

    def every(self) -> Iterable[Box]:
        """This one and all in it."""
        yield self
        for child in self.children:
            yield from child.every()


@dataclass(frozen=True, slots=True)
class Page:
    """All boxes, and how large a page they need."""

    width: float
    height: float
    plays: tuple[Box, ...]
    rows: tuple[tuple[float, float], ...] = ()
    """Of each layer, where it begins and ends, from top to bottom."""


def page(graph: Graph) -> Page:
    """Where everything of ``graph`` goes."""
    layers = layered([play.id for play in graph.plays], graph.edges)
    trees = {play.id: play for play in graph.plays}
    rows = [[_play(trees[name]) for name in layer] for layer in layers]
    widest = max((_row_width(row) for row in rows), default=0.0)
    widest = max(widest, text_width(graph.title, HEAD + 4) * BOLD, text_width(graph.summary, SMALL))
    placed: list[Box] = []
    spans: list[tuple[float, float]] = []
    y = TOP
    for row in rows:
        x = MARGIN + (widest - _row_width(row)) / 2
        for box in row:
            placed.append(box.moved(x, y))
            x += box.width + APART
        spans.append((y, y + max(box.height for box in row)))
        y = spans[-1][1] + APART
    size = widest + 2 * MARGIN, y - APART + MARGIN + ROW
    return Page(*size, tuple(placed), tuple(spans))


def layered(names: Sequence[str], edges: Iterable[Edge]) -> list[list[str]]:
    """Plays by how many must have ended before them, one after the other."""
    behind: dict[str, list[str]] = {name: [] for name in names}
    for edge in edges:
        if edge.relation == "order" and edge.target in behind and edge.source in behind:
            behind[edge.target].append(edge.source)
    level: dict[str, int] = {}
    waiting = list(names)
    while waiting:
        ready = [each for each in waiting if all(one in level for one in behind[each])]
        if not ready:
            # Refused where playbooks are read; whoever draws something else sees them last.
            ready = waiting
        for each in ready:
            level[each] = 1 + max((level.get(one, -1) for one in behind[each]), default=-1)
        waiting = [each for each in waiting if each not in level]
    found: list[list[str]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    for name in names:
        found[level[name]].append(name)
    return [layer for layer in found if layer]


def _row_width(row: Sequence[Box]) -> float:
    return sum(box.width for box in row) + APART * (len(row) - 1)


def play_lines(play: PlayTree) -> list[str]:
    """What is said below a play's name."""
    count = "" if play.count is None else f" ({play.count} host{'' if play.count == 1 else 's'})"
    lines = [f"{play.hosts}{count}"]
    lines += play.notes
    return [*lines, f"tags: {', '.join(play.tags)}"] if play.tags else lines


def _play(play: PlayTree) -> Box:
    lines = play_lines(play)
    head = PAD + HEAD + 8 + len(lines) * (SMALL + 5) + PAD
    needed = max(text_width(play.name, HEAD) * BOLD, *(text_width(line, SMALL) for line in lines))
    main = _stack(play.items)
    second = (_handlers(play),) if play.handlers else ()
    inside = _columns(main, second, head)
    right = max((box.x + box.width for box in inside), default=0.0)
    bottom = max((box.y + box.height for box in inside), default=head - PAD)
    width = max(right + PAD, min(needed, 2 * WIDEST) + 2 * PAD + 6, NARROWEST)
    if not second:
        inside = tuple(_stretched(box, width - 2 * PAD) for box in inside)
    return Box(0, 0, width, bottom + PAD, play=play, children=inside)


def _columns(main: Sequence[Box], second: Sequence[Box], head: float) -> tuple[Box, ...]:
    left = tuple(box.moved(PAD, head) for box in main)
    if not second:
        return left
    x = PAD + (max(box.width for box in main) + GUTTER if main else 0.0)
    return (*left, *(box.moved(x, head) for box in second))


def _handlers(play: PlayTree) -> Box:
    inner = _stack(play.handlers)
    boxes = tuple(box.moved(PAD, ROW) for box in inner)
    height = boxes[-1].y + boxes[-1].height + PAD
    return Box(0, 0, boxes[0].width + 2 * PAD, height, title="handlers", children=boxes)


def _stack(items: Iterable[Item]) -> list[Box]:
    """Boxes below each other, all as wide as the widest."""
    boxes = [_box(item) for item in items]
    width = max((box.width for box in boxes), default=0.0)
    found: list[Box] = []
    y = 0.0
    for box in boxes:
        found.append(_stretched(box, width).moved(0, y))
        y += box.height + GAP
    return found


def _box(item: Item) -> Box:
    own = min(max(text_width(item.label, FONT) + _extra(item) + 3 * PAD, NARROWEST), WIDEST)
    if not item.children:
        return Box(0, 0, own, ROW, item=item)
    inner = [box.moved(PAD, ROW + 2) for box in _stack(item.children)]
    bottom = inner[-1].y + inner[-1].height
    width = max(own, inner[0].width + 2 * PAD)
    boxes = tuple(_stretched(box, width - 2 * PAD) for box in inner)
    return Box(0, 0, width, bottom + PAD, item=item, children=boxes)


def _extra(item: Item) -> float:
    return text_width(aside(item), SMALL) + (12 if aside(item) else 0) + kind_width(item)


def kind_width(item: Item) -> float:
    """Room for the word before a label."""
    return text_width(kind_word(item), SMALL) + 7 if kind_word(item) else 0.0


def kind_word(item: Item) -> str:
    """What stands before a label where that alone wouldn't tell what it is."""
    return item.kind if item.kind in ("role", "import", "include") else ""


def aside(item: Item) -> str:
    """What stands behind a label, in small."""
    parts = [item.detail if item.detail != item.label else ""]
    parts += [f"↻ {item.loop}" if item.loop else "", f"when {item.when}" if item.when else ""]
    parts += item.notes
    parts += [f"#{tag}" for tag in item.tags]
    return "  ·  ".join(part for part in parts if part)


def _stretched(box: Box, width: float) -> Box:
    """As wide as its neighbours, and what is in it likewise."""
    more = width - box.width
    if more <= 0:
        return box
    inner = tuple(_stretched(child, child.width + more) for child in box.children)
    return replace(box, width=width, children=inner)
