"""Where a text stops being a template, and in which words to say so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import Environment
from jinja2.exceptions import TemplateSyntaxError
from jinja2.lexer import ignored_tokens
from jinja2.parser import Parser

from opsrun.errors import did_you_mean

_READ = -1
_UNSEEN = ignored_tokens | {"raw_begin", "raw_end"}
_NEEDS_END = frozenset({"if", "for", "macro", "call", "filter", "block", "with", "autoescape"})
_TAGS = _NEEDS_END | {
    *("set", "include", "import", "from", "extends", "do", "break", "continue", "raw"),
    *("else", "elif", "endif", "endfor", "endmacro", "endcall", "endfilter", "endblock", "endset"),
    *("endwith", "endautoescape", "endraw"),
}
_QUOTES = "\u2018\u2019\u201c\u201d\u00b4"


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with a template's text."""

    message: str
    offset: int
    """Of the character where reading ended."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def mistake(
    environment: Environment, source: str, error: TemplateSyntaxError, end: int | None = None
) -> Mistake | None:
    """The place and the words for ``error``, which ``source`` gave; None where its text can be
    read, and the error is another one. ``end``: where the user's own text ends, if not with it.
    """
    tokens, refused = _tokens(environment, source)
    index = _reached(environment, source, len(tokens))
    if index == _READ:
        return None
    if index is None or refused == error.message:
        index = len(tokens)
        at = tokens[-1].at + len(tokens[-1].text) if tokens else 0
        at += len(source[at:]) - len(source[at:].lstrip())
    else:
        at = tokens[index].at if index < len(tokens) else len(source.rstrip())
    found = _Sight(source, tokens, index, at, len(source.rstrip()) if end is None else end)
    return Mistake(found.words(str(error.message or "")), found.where)


def _tokens(environment: Environment, source: str) -> tuple[list[_Token], str | None]:
    """What the parser sees, as far as it can be read; and what ended that, if not the end."""
    found: list[_Token] = []
    at = 0
    try:
        for _, kind, text in environment.lexer.tokeniter(source, None):
            start = source.find(text, at)
            start = at if start < 0 else start
            at = start + len(text)
            if kind not in _UNSEEN:
                found.append(_Token(kind, text, start))
    except TemplateSyntaxError as error:
        return found, error.message
    return found, None


def _reached(environment: Environment, source: str, total: int) -> int | None:
    """How many tokens the parser had left behind it; None where it couldn't begin, `_READ` where
    it came to the end."""
    try:
        parser = Parser(environment, source)
    except TemplateSyntaxError:
        return None
    try:
        parser.parse()
        return _READ
    except TemplateSyntaxError:
        pass
    stream = parser.stream
    if stream.closed:
        return total
    return total - 1 - len(stream._pushed) - sum(1 for _ in _rest(iter(stream._iter)))


def _rest(tokens: Iterator[object]) -> Iterator[object]:
    while True:
        try:
            yield next(tokens)
        except (StopIteration, TemplateSyntaxError):
            return


class _Sight:
    """The text around the place where reading ended."""

    def __init__(self, source: str, tokens: list[_Token], index: int, at: int, end: int) -> None:
        self.end = end
        self.source = source
        self.tokens = tokens
        self.index = index
        self.where = at

    @property
    def _found(self) -> str:
        if self.index < len(self.tokens):
            return _short(self.tokens[self.index].text)
        return _short(self.source[self.where : self.where + 1])

    def words(self, message: str) -> str:
        """``message``, which is Jinja's, in words for the user; `where` may move."""
        for pattern, told in _TOLD:
            match = re.match(pattern, message)
            if match:
                return told(self, match)
        return message.rstrip(".")

    def expected(self, match: re.Match[str]) -> str:
        wanted = _NAMES.get(match[1], repr(match[1]))
        if match[2] in _ENDS:
            return f"expected {wanted}, found its end"
        return f"expected {wanted}, found {self._found}{self._octal()}"

    def no_expression(self, match: re.Match[str]) -> str:
        end = match[1] in _ENDS
        return f"expected an expression, found {'its end' if end else self._found}"

    def endless(self, match: re.Match[str]) -> str:
        return {"raw": "{% raw %} has no {% endraw %}"}.get(match[1], "a comment {# has no #}")

    def _octal(self) -> str:
        before = self.tokens[self.index - 1] if 0 < self.index < len(self.tokens) else None
        here = self.tokens[self.index] if before else None
        if here and before and here.kind == before.kind == "integer" and before.text == "0":
            return f"; numbers don't begin with 0: write '0{here.text}' or 0o{here.text}"
        return ""

    def unexpected(self, match: re.Match[str]) -> str:
        if match[1] in _ENDS or self.where >= self.end:
            return f"it ends too early, without {match[2]!r}" if match[2] else "it ends too early"
        if match[1].startswith("char "):
            return self._character()
        wanted = f", expected {match[2]!r}" if match[2] else ""
        return f"unexpected {self._found}{wanted}"

    def _character(self) -> str:
        found = self.source[self.where : self.where + 1]
        if found in ("'", '"'):
            return f"a text begins with {found} here, and is never closed"
        if found and found in _QUOTES:
            return f"{found} is no quotation mark that Jinja knows: write ' or \""
        return f"unexpected {_short(found)}"

    def unknown_tag(self, match: re.Match[str]) -> str:
        name = match[1]
        if name == "endraw" or name not in _TAGS:
            return f"there is no tag '{name}'{did_you_mean(name, _TAGS)}"
        innermost = self._open()
        if innermost is None:
            return f"there is nothing for {{% {name} %}} to end"
        word = innermost.text
        return (
            f"{{% {name} %}} stands within the {{% {word} %}} of line "
            f"{self._line(innermost)}, which {{% end{word} %}} has not ended"
        )

    def ended(self, match: re.Match[str]) -> str:
        innermost = self._open()
        if innermost is None:
            return f"it ends too early, without {{% {match[1]} %}}"
        self.where = innermost.at
        return f"this {{% {innermost.text} %}} has no {{% end{innermost.text} %}}"

    def _line(self, token: _Token) -> int:
        return self.source.count("\n", 0, token.at) + 1

    def _open(self) -> _Token | None:
        """The innermost block that has not ended where reading did."""
        stack: list[_Token] = []
        for here, name in zip(self.tokens[: self.index], self.tokens[1 : self.index], strict=False):
            if here.kind != "block_begin":
                continue
            if name.text in _NEEDS_END:
                stack.append(name)
            elif stack and name.text == f"end{stack[-1].text}":
                stack.pop()
        return stack[-1] if stack else None


_ENDS = ("end of print statement", "end of statement block", "end of template")
_NAMES = {
    "end of print statement": "an operator or its end",
    "end of statement block": "%}",
    "name": "a name",
}
_TOLD = (
    (r"Expected an expression, got '(.*)'$", _Sight.no_expression),
    (r"Missing end of (comment|raw)", _Sight.endless),
    (r"expected token '(.+?)', got '(.*)'$", _Sight.expected),
    (r"Encountered unknown tag '(\w+)'", _Sight.unknown_tag),
    (r"Unexpected end of template\. Jinja was looking.*?'(\w+)'", _Sight.ended),
    (r"unexpected '?(char .+|.+?)'?(?:, expected '(.)')?$", _Sight.unexpected),
)


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")
