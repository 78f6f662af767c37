"""Whatever goes wrong in a template, told with its file, line and column."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any

from jinja2 import Environment, Template, nodes
from jinja2.exceptions import TemplateNotFound, TemplateSyntaxError

from opsrun.dialect.origin import Origin
from opsrun.errors import TemplateError, UndefinedVariable, did_you_mean
from opsrun.playbook.templating.library import PluginError
from opsrun.playbook.templating.places import place
from opsrun.playbook.templating.syntax import mistake
from opsrun.playbook.templating.undefined import NotThere

_MOST_LINES = 2000
_BEGIN = "{{ "
_UNREADABLE = "this can't be read as a template"


@dataclass(frozen=True, slots=True)
class Written:
    """A template's text and where it is."""

    source: str
    origin: Origin
    is_file: bool = False
    """The text is a whole file, whose lines are the template's."""
    above: int = 0
    """Lines of the file before the template (``#jinja2:``)."""
    is_expression: bool = False
    """The text is a condition's expression, without ``{{ }}``."""

    @property
    def code(self) -> tuple[str, int]:
        """What Jinja reads, and how many characters that has before the text."""
        if self.is_expression:
            return f"{_BEGIN}{self.source}\n}}}}", len(_BEGIN)
        return self.source, 0


@dataclass(frozen=True, slots=True)
class Fault:
    """What went wrong and where, before it is put into words: often nobody asks for them."""

    error: BaseException
    written: Written
    line: int
    """In the template, 1-based; 0 where it isn't known."""
    environment: Environment
    names: Callable[[], Iterable[str]]
    """The variables' names."""
    label: str = ""
    """Whose value the template is."""

    def told(self) -> TemplateError:
        """The error for the user."""
        error = self.error
        if isinstance(error, TemplateError) and error.path is not None:
            return error
        if isinstance(error, NotThere):
            return self._undefined(error)
        if isinstance(error, TemplateSyntaxError):
            return self._unreadable(error)
        return self._placed(TemplateError, _words(error), _quoted(error))

    def _unreadable(self, error: TemplateSyntaxError) -> TemplateError:
        code, before = self.written.code
        end = before + len(self.written.source.rstrip())
        found = mistake(self.environment, code, error, end)
        if found is None:
            return self._placed(TemplateError, f"{_UNREADABLE}: {error.message}", "")
        offset = min(max(found.offset - before, 0), len(self.written.source.rstrip()))
        line = self.written.source.count("\n", 0, offset) + 1
        message = f"{_UNREADABLE}: {found.message}"
        return replace(self, line=line)._placed(TemplateError, message, "", offset)

    def _undefined(self, error: NotThere) -> TemplateError:
        if error.cause is not None:
            return error.cause.told()
        name, message = error.name, error.what._undefined_message
        node = self._node(error)
        whole = "" if node is None else _spelled(node)
        if name is not None and error.of_variable:
            message += f", in {whole!r}" if whole not in ("", name) else ""
            message += did_you_mean(str(name), self.names())
        elif whole:
            message = f"{whole!r}: {message}"
        line = self.line or (1 if node is None else node.lineno)
        token = "" if name is None else str(name)
        return replace(self, line=line)._placed(UndefinedVariable, message, token)

    def _node(self, error: NotThere) -> nodes.Expr | None:
        """The longest expression on the line that reads what isn't there."""
        try:
            tree = self.environment.parse(self.written.code[0])
        except Exception:
            return None
        here = [each for each in _chains(tree) if self.line in (0, each.lineno)]
        found = [each for each in here if _ends_in(each, error)]
        return max(found, key=lambda each: len(_spelled(each)), default=None)

    def _placed(
        self, kind: type[TemplateError], message: str, token: str, offset: int | None = None
    ) -> TemplateError:
        origin = self.written.origin
        if offset is None:
            offset = self._offset(token)
        line, column, text = self._exactly(offset) or self._roughly(token)
        if self.label[:1] not in ("", ".", "["):
            message += f" (for the value of {self.label!r})"
        return kind(message, path=origin.path, line=line, column=column, text=text)

    def _offset(self, token: str) -> int:
        """Of ``token`` in the line of the template; of the line's first word without one."""
        source, line = self.written.source, max(self.line, 1)
        begin = 0
        for _ in range(line - 1):
            begin = source.find("\n", begin) + 1
        text = source[begin:].split("\n", 1)[0]
        return begin + _column(text, 0, token) - 1

    def _exactly(self, offset: int) -> tuple[int, int, str] | None:
        """Line, column and the line's text of a character of the template."""
        if self.written.is_file:
            before = self.written.source[:offset]
            line = before.count("\n") + 1
            text = self.written.source.split("\n")[line - 1]
            return line + self.written.above, offset - (before.rfind("\n") + 1) + 1, text
        lines = _lines(self.written.origin)
        found = place("\n".join(lines), self.written.origin, self.written.source, offset)
        return None if found is None else (*found, lines[found[0] - 1])

    def _roughly(self, token: str) -> tuple[int | None, int | None, str | None]:
        """The same, where the file doesn't hold the template word by word."""
        origin = self.written.origin
        line, text, start = self._source_line()
        column = origin.column if line == origin.line else None
        if text is not None:
            column = _column(text, start, token) or column
        return line, column, text

    def _source_line(self) -> tuple[int | None, str | None, int]:
        """The line in the file, its text, and where in it the template's line begins."""
        own = self.written.source.split("\n")
        at_line = max(self.line, 1)
        mine = own[at_line - 1] if at_line <= len(own) else ""
        origin = self.written.origin
        lines = _lines(origin)
        if origin.line is None or not lines:
            return origin.line, None, 0
        snippet = mine.strip()
        for number in range(origin.line, min(len(lines), origin.line + _MOST_LINES) + 1):
            at = lines[number - 1].find(snippet) if snippet else -1
            if at >= 0:
                return number, lines[number - 1], at
        known = origin.line <= len(lines)
        return origin.line, lines[origin.line - 1] if known else None, (origin.column or 1) - 1


def line_of(error: BaseException, template: Template | None) -> int:
    """The line of ``template`` that ``error`` came through; 0 where it never got there."""
    if isinstance(error, TemplateSyntaxError):
        return error.lineno
    line = 0
    for frame, number in _frames(error.__traceback__):
        if template is not None and frame is template:
            line = template.get_corresponding_lineno(number)
    return line


def deepest(error: BaseException) -> Template | None:
    """The innermost template that ``error`` came through."""
    every = [template for template, _ in _frames(error.__traceback__)]
    return every[-1] if every else None


def _frames(traceback: TracebackType | None) -> Iterator[tuple[Template, int]]:
    while traceback is not None:
        template = traceback.tb_frame.f_globals.get("__jinja_template__")
        if isinstance(template, Template):
            yield template, traceback.tb_lineno
        traceback = traceback.tb_next


def _words(error: BaseException) -> str:
    if isinstance(error, TemplateError):
        return error.message
    if isinstance(error, PluginError):
        return str(error)
    if isinstance(error, RecursionError):
        return "this template never ends: it needs itself, or calls itself without end"
    if isinstance(error, TemplateNotFound):
        return str(error)
    if isinstance(error, MemoryError):
        return "this needs more memory than there is"
    if isinstance(error, SyntaxError):
        return f"{_UNREADABLE}: {error.msg}"
    return f"{error} ({type(error).__name__})" if str(error) else type(error).__name__


def _quoted(error: BaseException) -> str:
    found = re.search(r"'([^']+)'", str(error))
    return found[1] if found else ""


def _lines(origin: Origin) -> list[str]:
    try:
        with open(origin.path, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except (OSError, ValueError):
        return []
    # Of an encrypted file there is nothing to show: neither this nor what it holds.
    return [] if text.startswith("$ANSIBLE_VAULT;") else text.splitlines()


def _column(text: str, start: int, token: str) -> int:
    found = re.compile(rf"(?<!\w){re.escape(token)}(?!\w)").search(text, start) if token else None
    return (found.start() if found else start + len(text[start:]) - len(text[start:].lstrip())) + 1


def _chains(tree: nodes.Node) -> Iterator[nodes.Expr]:
    yield from tree.find_all((nodes.Name, nodes.Getattr, nodes.Getitem))


def _ends_in(node: nodes.Expr, error: NotThere) -> bool:
    if error.of_variable:
        while isinstance(node, (nodes.Getattr, nodes.Getitem)):
            node = node.node
        return isinstance(node, nodes.Name) and node.name == error.name
    if isinstance(node, nodes.Getattr):
        return bool(node.attr == error.name)
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        return bool(node.arg.value == error.name)
    return False


def _spelled(node: Any) -> str:
    match node:
        case nodes.Name():
            return str(node.name)
        case nodes.Getattr():
            return f"{_spelled(node.node)}.{node.attr}"
        case nodes.Getitem(arg=nodes.Const() as key):
            return f"{_spelled(node.node)}[{key.value!r}]"
        case nodes.Getitem():
            return f"{_spelled(node.node)}[{_spelled(node.arg)}]"
        case nodes.Call():
            return f"{_spelled(node.node)}(…)"
        case nodes.Filter(node=inner) if inner is not None:
            return f"{_spelled(inner)} | {node.name}"
    return "…"
