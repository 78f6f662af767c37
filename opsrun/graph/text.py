"""A graph as a tree for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from opsrun.graph.model import Edge, Graph, Item, Kind, PlayTree
from opsrun.sinks.cells import cut, width
from opsrun.sinks.style import BOLD, CYAN, DIM, GREEN, MAGENTA, RED, YELLOW, paint
from opsrun.views.sanitise import sanitise_line

Span = tuple[str, str]
"""A text, and its style as SGR parameters."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What lines are drawn with."""

    fork: str = "├─ "
    last: str = "└─ "
    pass_: str = "│  "
    to: str = "→"
    from_: str = "←"
    loop: str = "↻"
    dot: str = "·"
    more: str = "…"


UNICODE = Signs()
ASCII = Signs("|- ", "`- ", "|  ", "->", "<-", "loop", "-", "...")

_KINDS: Mapping[Kind, str] = {"role": CYAN, "block": YELLOW, "handler": MAGENTA, "part": RED}
_NAMED = frozenset({"role", "import", "include"})


def signs_for(encoding: str | None) -> Signs:
    """Those that a stream of this encoding can show."""
    try:
        "".join((UNICODE.fork, UNICODE.last, UNICODE.to, UNICODE.loop, "…")).encode(
            encoding or "ascii"
        )
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return UNICODE


def text_lines(graph: Graph, columns: int, *, color: bool, signs: Signs = UNICODE) -> list[str]:
    """The tree, no line wider than ``columns``."""
    drawing = _Drawing(graph, columns, color, signs)
    return list(drawing.lines())


@dataclass(slots=True)
class _Drawing:
    graph: Graph
    columns: int
    color: bool
    signs: Signs
    names: dict[str, str] = field(default_factory=dict)
    out: dict[str, list[Edge]] = field(default_factory=dict)
    into: dict[str, list[Edge]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for play in self.graph.plays:
            self.names[play.id] = play.name
            self.names |= {item.id: item.label for item in play.walk()}
        for edge in self.graph.edges:
            self.out.setdefault(edge.source, []).append(edge)
            self.into.setdefault(edge.target, []).append(edge)

    def lines(self) -> Iterator[str]:
        summary = self.graph.summary
        yield self._fit("", [(self.graph.title, BOLD), (f"  {summary}", DIM)])
        plays = self.graph.plays
        for number, play in enumerate(plays):
            yield from self._play(play, "", number == len(plays) - 1)

    def _play(self, play: PlayTree, before: str, last: bool) -> Iterator[str]:
        head, below = self._branch(before, last)
        count = "" if play.count is None else f" ({play.count})"
        spans = [("play ", DIM), (play.name, BOLD), (f" {self.signs.dot} {play.hosts}{count}", "")]
        yield self._fit(head, [*spans, *self._extras(play.tags, play.notes), *self._after(play)])
        groups = [*play.items]
        if play.handlers:
            groups.append(
                Item(f"{play.id}/handlers", "section", "handlers", children=play.handlers)
            )
        yield from self._items(groups, below)

    def _after(self, play: PlayTree) -> Iterator[Span]:
        """Whom it follows, where that is not the play that stands before it."""
        number = [each.id for each in self.graph.plays].index(play.id)
        usual = {self.graph.plays[number - 1].id} if number else set()
        behind = [edge.source for edge in self.into.get(play.id, ()) if edge.relation == "order"]
        if set(behind) != usual:
            names = ", ".join(map(self._name, behind))
            yield f"  after {names}" if names else "  at once", YELLOW

    def _name(self, item: str) -> str:
        return self.names.get(item, item)

    def _items(self, items: Sequence[Item], before: str) -> Iterator[str]:
        for number, item in enumerate(items):
            head, below = self._branch(before, number == len(items) - 1)
            yield self._fit(head, list(self._spans(item)))
            yield from self._items(item.children, below)

    def _branch(self, before: str, last: bool) -> tuple[str, str]:
        head = before + (self.signs.last if last else self.signs.fork)
        return head, before + ("   " if last else self.signs.pass_)

    def _spans(self, item: Item) -> Iterator[Span]:
        if item.kind in _NAMED:
            yield f"{item.kind} ", DIM
        yield item.label, _KINDS.get(item.kind, "")
        if item.detail and item.detail != item.label:
            yield f" {self.signs.dot} {item.detail}", DIM
        if item.loop:
            yield f"  {self.signs.loop} {item.loop}", GREEN
        if item.when:
            yield f"  when {cut(item.when, 60)}", YELLOW
        yield from self._extras(item.tags, item.notes)
        yield from self._relations(item)

    def _extras(self, tags: Iterable[str], notes: Iterable[str]) -> Iterator[Span]:
        for note in notes:
            yield f"  ({note})", DIM
        if tags:
            yield f"  [{', '.join(tags)}]", CYAN

    def _relations(self, item: Item) -> Iterator[Span]:
        told = [self._name(e.target) for e in self.out.get(item.id, ()) if e.relation == "notify"]
        if told:
            yield f"  {self.signs.to} {', '.join(dict.fromkeys(told))}", MAGENTA
        by = [self._name(e.source) for e in self.into.get(item.id, ()) if e.relation == "notify"]
        if by:
            yield f"  {self.signs.from_} {', '.join(dict.fromkeys(by))}", DIM
        gates = [edge for edge in self.into.get(item.id, ()) if edge.relation == "gate"]
        for edge in gates:
            yield f"  {self.signs.from_} {edge.label}: {self._name(edge.source)}", YELLOW

    def _fit(self, head: str, spans: Sequence[Span]) -> str:
        """One line out of ``spans``; what is too much is cut off."""
        room = max(self.columns - width(head), 20)
        line = ""
        for text, style in spans:
            if room <= 0:
                break
            shown = cut(sanitise_line(text), room)
            if self.signs is ASCII:
                shown = shown.replace("…", "~").encode("ascii", "replace").decode()
            room -= width(shown)
            line += paint(shown, style, self.color)
        return f"{paint(head, DIM, self.color)}{line}"
