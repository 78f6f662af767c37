"""What holds of any graph, whatever is in it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from opsrun.graph.collapse import collapsed
from opsrun.graph.dot import dot_lines
from opsrun.graph.layout import Box, layered, page
from opsrun.graph.measure import fitted, text_width
from opsrun.graph.model import Edge, Graph, Item, PlayTree
from opsrun.graph.svg import svg_lines
from opsrun.graph.text import ASCII, UNICODE, text_lines
from opsrun.sinks.cells import width

WORDS = st.text(max_size=12)
KINDS = st.sampled_from(["role", "block", "part", "import", "include", "task", "section"])


def items(children: st.SearchStrategy[tuple[Item, ...]]) -> st.SearchStrategy[Item]:
    return st.builds(
        Item,
        id=st.just(""),
        kind=KINDS,
        label=WORDS,
        detail=WORDS,
        when=WORDS,
        tags=st.lists(WORDS, max_size=2).map(tuple),
        notes=st.lists(WORDS, max_size=2).map(tuple),
        children=children,
    )


TREES = st.recursive(
    items(st.just(())), lambda inner: items(st.lists(inner, max_size=4).map(tuple)), max_leaves=8
)
LISTS = st.lists(TREES, max_size=3).map(tuple)
PLAYS = st.builds(
    PlayTree,
    id=st.just(""),
    name=WORDS,
    hosts=WORDS,
    count=st.none() | st.integers(0, 10**6),
    notes=st.lists(WORDS, max_size=2).map(tuple),
    items=LISTS,
    handlers=st.lists(items(st.just(())), max_size=3).map(tuple),
)


def numbered(item: Item, name: str) -> Item:
    inner = (numbered(child, f"{name}/{n}") for n, child in enumerate(item.children))
    return replace(item, id=name, children=tuple(inner))


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    plays = []
    for n, play in enumerate(draw(st.lists(PLAYS, min_size=1, max_size=4))):
        own = tuple(numbered(each, f"{n}/i/{k}") for k, each in enumerate(play.items))
        handlers = tuple(
            replace(each, id=f"{n}/h/{k}", kind="handler") for k, each in enumerate(play.handlers)
        )
        plays.append(replace(play, id=str(n), items=own, handlers=handlers))
    names = [item.id for play in plays for item in play.walk()] + [play.id for play in plays]
    pairs = st.tuples(st.sampled_from(names), st.sampled_from(names))
    edges = [
        Edge(*pair, relation)
        for relation in ("notify", "gate")
        for pair in draw(st.lists(pairs, max_size=4))
        if pair[0] != pair[1]
    ]
    before = st.tuples(st.integers(0, len(plays) - 1), st.integers(0, len(plays) - 1))
    for first, then in draw(st.lists(before, max_size=4)):
        if first < then:
            edges.append(Edge(str(first), str(then), "order"))
    return Graph(draw(WORDS), tuple(plays), tuple(dict.fromkeys(edges)))


def inside(outer: Box, inner: Box) -> bool:
    return (
        outer.x <= inner.x
        and outer.y <= inner.y
        and inner.x + inner.width <= outer.x + outer.width + 0.01
        and inner.y + inner.height <= outer.y + outer.height + 0.01
    )


def apart(one: Box, other: Box) -> bool:
    return (
        one.x + one.width <= other.x
        or other.x + other.width <= one.x
        or one.y + one.height <= other.y
        or other.y + other.height <= one.y
    )


def check(boxes: tuple[Box, ...]) -> None:
    for one, other in combinations(boxes, 2):
        assert apart(one, other)
    for box in boxes:
        assert all(inside(box, child) for child in box.children)
        check(box.children)


@settings(max_examples=60, deadline=None)
@given(graph=graphs())
def test_boxes_lie_in_each_other_or_apart(graph: Graph) -> None:
    found = page(graph)
    check(found.plays)
    whole = Box(0, 0, found.width, found.height)
    assert all(inside(whole, box) for box in found.plays)
    drawn = sorted(box.id for play in found.plays for box in play.every() if box.id)
    there = [item.id for play in graph.plays for item in play.walk()]
    assert drawn == sorted([*there, *(play.id for play in graph.plays)])


@settings(max_examples=60, deadline=None)
@given(graph=graphs(), detail=st.sampled_from(["plays", "roles", "tasks"]))
def test_everything_can_be_drawn(graph: Graph, detail: str) -> None:
    found = collapsed(graph, detail)  # type: ignore[arg-type]
    ET.fromstring("\n".join(svg_lines(found)).encode("utf-8"))
    assert list(dot_lines(found))[-1] == "}"
    names = {item.id for play in found.plays for item in play.walk()}
    names |= {play.id for play in found.plays}
    assert {end for edge in found.edges for end in (edge.source, edge.target)} <= names
    for signs in (UNICODE, ASCII):
        for line in text_lines(found, 60, color=False, signs=signs):
            assert "\n" not in line
            assert width(line) <= 80


@settings(max_examples=60, deadline=None)
@given(graph=graphs())
def test_who_follows_stands_below(graph: Graph) -> None:
    names = [play.id for play in graph.plays]
    layers = layered(names, graph.edges)
    level = {name: n for n, layer in enumerate(layers) for name in layer}
    assert sorted(level) == sorted(names)
    for edge in graph.edges:
        if edge.relation == "order":
            assert level[edge.source] < level[edge.target]


@given(text=WORDS, room=st.floats(20, 400))
def test_what_is_cut_fits(text: str, room: float) -> None:
    found = fitted(text, 13, room)
    assert text_width(found, 13) <= room + 13
    assert found == text or found.endswith("…")
