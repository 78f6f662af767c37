"""What a template names, without rendering it: variables, filters, tests, lookups."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Literal

from jinja2 import Environment, nodes
from jinja2.defaults import DEFAULT_NAMESPACE
from jinja2.exceptions import TemplateAssertionError, TemplateSyntaxError

from opsrun.errors import TemplateError
from opsrun.playbook.templating.engine import engine_of
from opsrun.playbook.templating.header import header
from opsrun.playbook.templating.library import Library, Plugins
from opsrun.playbook.templating.syntax import mistake

GLOBALS = frozenset({*DEFAULT_NAMESPACE, "lookup", "query", "q", "now", "undef"})
"""Names that every template can call."""
_OWN = frozenset({"loop", "self", "super", "caller", "varargs", "kwargs"})
_LOOKUPS = frozenset({"lookup", "query", "q"})

_LATE = re.compile(r"\b(break|continue|block|extends|filter|set)\b")
"""Statements whose mistakes show only when they are compiled."""

_BEGIN = "{{ "

Kind = Literal["filter", "test", "lookup"]


@dataclass(frozen=True, slots=True)
class Use:
    """A name in a template."""

    name: str
    line: int
    """In the template, 1-based."""
    kind: Kind | Literal["variable"] = "variable"


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a template names."""

    names: tuple[Use, ...] = ()
    """Variables that it reads; those that it sets itself are left out."""
    optional: frozenset[str] = frozenset()
    """Those of them that it asks about (``is defined``), or has a default for."""
    plugins: tuple[Use, ...] = ()
    fault: str = ""
    """Why it can't be compiled; empty where it can."""
    line: int = 1
    """Where that is."""
    column: int = 0
    """1-based, in the line; 0 where it isn't known."""
    equalities: tuple[tuple[str, object, bool], ...] = ()
    """Of a condition: what must be equal (True) to a constant, or defined, for it to hold."""


@dataclass(slots=True)
class _Found:
    names: dict[Use, None] = field(default_factory=dict)
    optional: set[str] = field(default_factory=set)
    plugins: dict[Use, None] = field(default_factory=dict)
    stored: set[str] = field(default_factory=set)

    def look(self, node: nodes.Node) -> None:
        for each in _every(node):
            if isinstance(each, nodes.Name):
                self._name(each)
            elif isinstance(each, nodes.Filter):
                self.plugins[Use(each.name, each.lineno, "filter")] = None
                if each.name in ("default", "d"):
                    self._guarded(each.node)
            elif isinstance(each, nodes.Test):
                self.plugins[Use(each.name, each.lineno, "test")] = None
                if each.name in ("defined", "undefined"):
                    self._guarded(each.node)
            elif isinstance(each, nodes.Call):
                self._call(each)
            elif isinstance(each, (nodes.Import, nodes.Macro)):
                self.stored.add(each.target if isinstance(each, nodes.Import) else each.name)
            elif isinstance(each, nodes.FromImport):
                self.stored |= {x if isinstance(x, str) else x[1] for x in each.names}

    def _name(self, node: nodes.Name) -> None:
        if node.ctx == "load":
            self.names[Use(node.name, node.lineno)] = None
        else:
            self.stored.add(node.name)

    def _guarded(self, node: nodes.Node | None) -> None:
        while isinstance(node, (nodes.Getattr, nodes.Getitem, nodes.Filter, nodes.Call)):
            if isinstance(node, nodes.Filter) and node.name in ("default", "d"):
                # `a | default(b) | default(1)`: what stands in for a may be missing, too.
                for stand_in in node.args:
                    self._guarded(stand_in)
            node = node.node
        if isinstance(node, nodes.Name):
            self.optional.add(node.name)

    def _call(self, node: nodes.Call) -> None:
        if not isinstance(node.node, nodes.Name) or node.node.name not in _LOOKUPS:
            return
        if node.args and isinstance(node.args[0], nodes.Const):
            self.plugins[Use(str(node.args[0].value), node.lineno, "lookup")] = None

    def told(self, equalities: tuple[tuple[str, object, bool], ...] = ()) -> Inspection:
        own = self.stored | GLOBALS | _OWN
        names = tuple(use for use in self.names if use.name not in own)
        return Inspection(
            names, frozenset(self.optional), tuple(self.plugins), equalities=equalities
        )


def _every(node: nodes.Node) -> Iterator[nodes.Node]:
    waiting = [node]
    while waiting:
        each = waiting.pop()
        yield each
        waiting.extend(each.iter_child_nodes())


@cache
def of_value(source: str) -> Inspection:
    """A template among values."""
    return _inspected(engine_of(Library.standard()).environment, source, "{%" in source)


@cache
def of_condition(source: str) -> Inspection:
    """A condition's expression."""
    conditions = engine_of(Library.standard()).conditions
    end = len(_BEGIN) + len(source.rstrip())
    found = _inspected(conditions, f"{_BEGIN}{source}\n}}}}", False, end)
    if not found.column:
        return found
    column = found.column - (len(_BEGIN) if found.line == 1 else 0)
    return replace(found, column=max(column, 1))


def of_file(source: str, path: str) -> Inspection:
    """A template file, its ``#jinja2:`` line included."""
    try:
        body, settings = header(source, path)
    except TemplateError as error:
        return Inspection(fault=error.message)
    environment = engine_of(Library.standard()).texts(tuple(sorted(settings.items())))
    found = _inspected(environment, body, True)
    if body == source:
        return found
    moved = tuple(Use(use.name, use.line + 1, use.kind) for use in found.names)
    plugins = tuple(Use(use.name, use.line + 1, use.kind) for use in found.plugins)
    return replace(found, names=moved, plugins=plugins, line=found.line + 1)


def _inspected(
    environment: Environment, source: str, whole: bool, end: int | None = None
) -> Inspection:
    found = _Found()
    try:
        tree = environment.parse(source)
        found.look(tree)
        equalities = _equalities(tree)
        if whole and _LATE.search(source):
            environment.compile(tree)
    except (TemplateSyntaxError, TemplateAssertionError) as error:
        return _fault(environment, source, error, end)
    except SyntaxError as error:
        return Inspection(fault=str(error.msg))
    except (RecursionError, MemoryError):
        return Inspection(fault="nested too deeply")
    return found.told(equalities)


def _fault(
    environment: Environment, source: str, error: TemplateSyntaxError, end: int | None
) -> Inspection:
    found = mistake(environment, source, error, end)
    if found is None:
        return Inspection(fault=str(error.message), line=error.lineno)
    offset = min(found.offset, len(source.rstrip()) if end is None else end)
    before = source[:offset]
    column = offset - (before.rfind("\n") + 1) + 1
    return Inspection(fault=found.message, line=before.count("\n") + 1, column=column)


def _equalities(tree: nodes.Template) -> tuple[tuple[str, object, bool], ...]:
    body = tree.body
    if len(body) != 1 or not isinstance(body[0], nodes.Output) or len(body[0].nodes) != 1:
        return ()
    return tuple(_conjuncts(body[0].nodes[0]))


def _conjuncts(node: nodes.Node) -> Iterator[tuple[str, object, bool]]:
    if isinstance(node, nodes.And):
        yield from _conjuncts(node.left)
        yield from _conjuncts(node.right)
        return
    wanted = True
    while isinstance(node, nodes.Not):
        node, wanted = node.node, not wanted
    if isinstance(node, nodes.Test) and node.name in ("defined", "undefined"):
        name = dotted(node.node)
        if name:
            yield f"{name} is defined", wanted == (node.name == "defined"), True
    elif isinstance(node, nodes.Compare) and len(node.ops) == 1:
        name, other = dotted(node.expr), node.ops[0].expr
        if name and node.ops[0].op in ("eq", "ne") and isinstance(other, nodes.Const):
            yield name, other.value, wanted == (node.ops[0].op == "eq")


def dotted(node: nodes.Node | None) -> str:
    """``a.b.c`` of names and attributes; empty for anything else."""
    if isinstance(node, nodes.Name):
        return str(node.name)
    if isinstance(node, nodes.Getattr):
        before = dotted(node.node)
        return f"{before}.{node.attr}" if before else ""
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        before = dotted(node.node)
        return f"{before}.{node.arg.value}" if before else ""
    return ""


def plugins_of(kind: str) -> Plugins:
    """The table of a kind of plugin: ``filter``, ``test`` or ``lookup``."""
    library = Library.standard()
    return {"filter": library.filters, "test": library.tests}.get(kind, library.lookups)
