"""A graph in the language of Graphviz."""

from __future__ import annotations

from collections.abc import Iterator

from opsrun.graph.model import Edge, Graph, Item, PlayTree

_STYLES = {"order": "penwidth=2", "notify": "color=purple", "gate": "color=orange,style=dashed"}


def dot_lines(graph: Graph) -> Iterator[str]:
    """A ``digraph``; containers are clusters."""
    names = {play.id: f"n{number}" for number, play in enumerate(graph.plays)}
    for play in graph.plays:
        names |= {item.id: f"n{len(names) + k}" for k, item in enumerate(play.walk())}
    yield "digraph playbook {"
    yield f"  label={_quoted(graph.title)}; rankdir=LR; compound=true;"
    yield "  node [shape=box, fontname=sans];"
    for play in graph.plays:
        yield from _play(play, names)
    for edge in graph.edges:
        if edge.source in names and edge.target in names:
            yield _edge(edge, names)
    yield "}"


def _play(play: PlayTree, names: dict[str, str]) -> Iterator[str]:
    hosts = play.hosts if play.count is None else f"{play.hosts} ({play.count})"
    yield f"  subgraph cluster_{names[play.id]} {{"
    yield f"    label={_quoted(play.name)};"
    yield f"    {names[play.id]} [label={_quoted(hosts)}, shape=oval];"
    for item in (*play.items, *play.handlers):
        yield from _item(item, names, "    ")
    yield "  }"


def _item(item: Item, names: dict[str, str], space: str) -> Iterator[str]:
    own = names[item.id]
    text = "\n".join(filter(None, (item.label, item.detail, item.when and f"when {item.when}")))
    if not item.children:
        yield f"{space}{own} [label={_quoted(text)}];"
        return
    yield f"{space}subgraph cluster_{own} {{"
    yield f"{space}  label={_quoted(item.label)};"
    yield f"{space}  {own} [label={_quoted(f'{item.kind} {text}')}, style=rounded];"
    for child in item.children:
        yield from _item(child, names, space + "  ")
    yield f"{space}}}"


def _edge(edge: Edge, names: dict[str, str]) -> str:
    label = f", label={_quoted(edge.label)}" if edge.label else ""
    return f"  {names[edge.source]} -> {names[edge.target]} [{_STYLES[edge.relation]}{label}];"


def _quoted(text: str) -> str:
    inner = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{inner}"'
