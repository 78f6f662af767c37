"""Templates as Python: variables are looked up, and rendered, where they are used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.idtracking import VAR_LOAD_PARAMETER
from jinja2.lexer import Lexer
from jinja2.nativetypes import NativeCodeGenerator

from opsrun.playbook.templating.bounds import unrolled
from opsrun.playbook.templating.lazy import UNROLLED, text
from opsrun.playbook.templating.literal import literal


class RawTexts(Lexer):
    """Backslashes within texts of ``{{ }}`` stand for themselves, as playbooks have it; not so in
    ``{% %}``, conditions and template files."""

    def wrap(self, stream: Any, name: str | None = None, filename: str | None = None) -> Any:
        return super().wrap(_doubled(stream), name, filename)


def _doubled(stream: Iterable[tuple[int, str, str]]) -> Iterator[tuple[int, str, str]]:
    inside = False
    for line, kind, value in stream:
        if kind in ("variable_begin", "variable_end"):
            inside = kind == "variable_begin"
        elif inside and kind == "string" and "\\" in value:
            yield line, kind, value[0] + value[1:-1].replace("\\", "\\\\") + value[-1]
            continue
        yield line, kind, value


class Own(str):
    """Text that stands in the template itself."""

    __slots__ = ()


class LazyNames(CodeGenerator):
    """Jinja looks all names of a block up before anything else, those of branches not taken
    included. What it finds may be a `Pending`, which is asked for its value where it is used."""

    def visit_Name(self, node: nodes.Name, frame: Frame) -> None:  # noqa: N802
        reference = frame.symbols.ref(node.name)
        load = frame.symbols.find_load(reference)
        own = load is not None and load[0] == VAR_LOAD_PARAMETER
        if node.ctx != "load" or (own and not self.parameter_is_undeclared(reference)):
            super().visit_Name(node, frame)
            return
        self.write(
            f"(undefined(name={node.name!r}) if {reference} is missing else "
            f"{reference} if {reference}.__class__ is not Pending else {reference}.value())"
        )

    def visit_Mul(  # type: ignore[override]  # noqa: N802
        self, node: nodes.Mul, frame: Frame
    ) -> None:
        self._operator("times", node, frame)

    def visit_Pow(  # type: ignore[override]  # noqa: N802
        self, node: nodes.Pow, frame: Frame
    ) -> None:
        self._operator("power", node, frame)

    def _operator(self, name: str, node: nodes.BinExpr, frame: Frame) -> None:
        self.write(f"{name}(")
        self.visit(node.left, frame)
        self.write(", ")
        self.visit(node.right, frame)
        self.write(")")

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: Any) -> Any:
        # Nothing is computed once for all hosts: a filter may draw lots, or read the clock.
        if isinstance(node, nodes.TemplateData):
            return node.as_const(frame.eval_ctx)
        raise nodes.Impossible


class TextCode(LazyNames):
    """For template files: everything is printed."""


class ValueCode(NativeCodeGenerator, LazyNames):
    """For templates among values: expressions keep their values, and the template's own text is
    marked as such."""

    def visit_Name(self, node: nodes.Name, frame: Frame) -> None:  # noqa: N802
        LazyNames.visit_Name(self, node, frame)

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: Any) -> Any:
        return LazyNames._output_child_to_const(self, node, frame, finalize)

    def _output_const_repr(self, group: Iterable[Any]) -> str:
        return f"Own({''.join(group)!r})"


def inner(values: Iterable[Any]) -> Any:
    """What a macro, or a ``{% set %}`` block, comes to."""
    pieces = list(values)
    return pieces[0] if len(pieces) == 1 else "".join(map(text, pieces))


def ended(text: str, source: str, newline: str = "\n") -> str:
    """``text`` with as many ends of lines at its end as its template has: Jinja drops one."""
    lacking = _ends(source) - _ends(text)
    return text + newline * lacking if lacking > 0 else text


def _ends(text: str) -> int:
    return len(text) - len(text.rstrip("\n"))


def outcome(pieces: list[Any], source: str) -> Any:
    """What a template among values comes to.

    One expression alone, lines' ends after it aside, gives its value. Everything else is text;
    but where the template itself begins and ends as a list or a dict and the text spells one, it
    is that; likewise ``True`` and ``False`` (2.18's rule, for what the operator has written).
    """
    found = _outcome(pieces)
    if source[-1:] == "\n" and isinstance(found, str):
        return ended(found, source)
    return found


def _outcome(pieces: list[Any]) -> Any:
    if len(pieces) == 1 and type(pieces[0]) is not Own:
        found = pieces[0]
        return unrolled(found) if isinstance(found, (range, *UNROLLED)) else found
    if len(pieces) == 2 and type(pieces[1]) is Own and type(pieces[0]) is not Own:
        tail: str = pieces[1]
        if tail.isspace() and isinstance(pieces[0], (list, dict)):
            return pieces[0]
    whole = "".join(map(text, pieces))
    return _spelled(pieces, whole)


def _spelled(pieces: list[Any], whole: str) -> Any:
    if not pieces or type(pieces[0]) is not Own:
        return whole
    if whole[:1] in ("[", "{"):
        ends = type(pieces[-1]) is Own and pieces[-1].rstrip()[-1:] in ("]", "}")
        return literal(whole) if ends else whole
    if len(pieces) == 1 and whole in ("True", "False"):
        return whole == "True"
    return whole
