"""postgresql_query: statements are carried out, and what they return is told.

Each query goes to the server as it is written: psql(1) is given it as a constant, and has the
server send it back to be carried out (``\\gexec``), so that psql finds no commands or variables of
its own in it. What its last statement returns is asked before (``\\gdesc``), so that values have
their types.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsrun.errors import UsageError
from opsrun.modules.base import Context, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.databases.psql import PSQL, PostgresLogin, refused
from opsrun.modules.databases.quoting import filled, identifier, literal
from opsrun.modules.databases.splitting import Statement, statements
from opsrun.modules.databases.values import records, typed
from opsrun.modules.options import module, option
from opsrun.modules.requests import Run
from opsrun.modules.wording import text_of
from opsrun.remote.command import CommandResult

_TIME = re.compile(r"(?:\A|\n)Time: ([0-9.]+) ms[^\n]*\nTime: [^\n]*\n\Z")
"""What it took, and what it took to have it sent back."""
_QUIET = "\\set QUIET on\n\\timing off"
_LOUD = "\\timing on\n\\set QUIET off"
_COUNTED = ("INSERT", "UPDATE", "DELETE", "MERGE")
_ENDS_TRANSACTIONS = ("COMMIT", "END", "ABORT", "ROLLBACK", "PREPARE TRANSACTION", "BEGIN", "START")
_TAGS = {"VALUES": "SELECT", "TABLE": "SELECT", "EXECUTE": "SELECT"}
_TOLD = ("SELECT", "VALUES", "TABLE", "EXECUTE", "FETCH")
"""What psql keeps the status of to itself, where rows come back."""


@dataclass(frozen=True, slots=True)
class Query:
    """One text, with its arguments in place."""

    text: str
    every: tuple[Statement, ...] | None
    """Its statements; None where that can't be told."""

    @property
    def last(self) -> Statement | None:
        """The one whose result counts."""
        return self.every[-1] if self.every else None


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a query."""

    rows: list[dict[str, Any]]
    count: int
    tag: str
    milliseconds: float


@module("community.postgresql.postgresql_query", exclusive=[("positional_args", "named_args")])
class PostgresqlQuery(PostgresLogin, Module):
    """Carry out SQL on a PostgreSQL server, and tell what it returns."""

    query: Any = option(
        required=True, kind="raw", doc="A text of SQL, or a list of some: one transaction."
    )
    login_db: str | None = option(aliases=("db",), doc="The database; the role's own if not given.")
    positional_args: Sequence[Any] | None = option(
        kind="list", doc="Values for each ``%s``; lists are arrays, and ``%%`` stands for ``%``."
    )
    named_args: Mapping[str, Any] | None = option(kind="dict", doc="Values for ``%(name)s``.")
    autocommit: bool = option(
        False, doc="Whether each is carried out by itself, as VACUUM needs it."
    )
    search_path: Sequence[str] | None = option(
        kind="list", elements="str", doc="The schemas to look for names in."
    )

    def steps(self, context: Context) -> Steps:
        """All of it, in one transaction unless told otherwise."""
        queries = self._queries()
        if context.check:
            self._checkable(queries)
        mark = new_mark()
        script = f"{self.prelude(self.login_db or '')}{PSQL}\n"
        data = self.data(self._sql(queries, mark, context.check))
        answer = yield Run(script, data, "reads" if context.check else "changes", environment=True)
        parts = text_of(answer.stdout).split(f"{mark} ")
        if not answer.ok:
            raise _failed(answer, queries, parts)
        if answer.truncated:
            raise ModuleError("what the queries return is too much to be kept")
        answers = [
            _answered(each, parts[1 + 3 * at : 4 + 3 * at], mark) for at, each in enumerate(queries)
        ]
        return self._result(queries, answers)

    def _queries(self) -> list[Query]:
        texts = self.query if isinstance(self.query, list) else [self.query]
        if not texts or not all(isinstance(each, str) and each.strip() for each in texts):
            raise ModuleError("query is no text of SQL, nor a list of some")
        try:
            made = [filled(each, self.positional_args, self.named_args) for each in texts]
        except UsageError as error:
            raise ModuleError(str(error)) from error
        found = []
        for text in made:
            every = statements(text)
            found.append(Query(text, None if every is None else tuple(every)))
        return found

    def _checkable(self, queries: Sequence[Query]) -> None:
        if self.autocommit:
            raise ModuleError("what commits by itself can't be tried in check mode (autocommit)")
        for each in queries:
            if each.every is None:
                raise ModuleError(
                    "it can't be told whether the query ends its transaction: it is not tried in "
                    "check mode"
                )
            for statement in each.every:
                begin = " ".join(statement.words)
                if begin.startswith(_ENDS_TRANSACTIONS):
                    raise ModuleError(f"{begin} can't be tried in check mode")

    def _sql(self, queries: Sequence[Query], mark: str, check: bool) -> list[str]:
        lines = [f"\\pset format csv\n\\pset tuples_only off\n\\pset null {mark}\n"]
        if self.search_path is not None:
            path = ", ".join(
                each if each == '"$user"' else identifier(each) for each in self.search_path
            )
            lines.append(f"SET search_path TO {path};")
        if not self.autocommit:
            lines.append("BEGIN;")
        lines.append(_LOUD)
        for each in queries:
            lines += self._one(each, mark)
        lines.append(f"{_QUIET}\n\\echo {mark} end")
        if not self.autocommit:
            lines.append("ROLLBACK;" if check else "COMMIT;")
        return lines

    def _one(self, query: Query, mark: str) -> list[str]:
        last = query.last
        head = query.text[: last.begin] if last is not None else ""
        lines = [f"\\echo {mark} head"]
        if last is not None and query.every is not None and len(query.every) > 1:
            lines.append(f"SELECT {literal(head)} \\gexec")
            text = query.text[last.begin :]
        else:
            text = query.text
        lines.append(f"\\echo {mark} kinds")
        if last is not None:
            lines += [_QUIET, f"{last.shown}\n\\gdesc", _LOUD]
        return [*lines, f"\\echo {mark} rows", f"SELECT {literal(text)} \\gexec"]

    def _result(self, queries: Sequence[Query], answers: Sequence[Answered]) -> ModuleResult:
        given = self.query if isinstance(self.query, list) else [self.query]
        # Where nothing comes back, the dialect has an empty mapping.
        every: list[Any] = [each.rows or {} for each in answers]
        data = {
            "query": queries[-1].text,
            "query_list": list(given),
            "statusmessage": answers[-1].tag,
            "query_result": every[-1],
            "query_all_results": every,
            "rowcount": sum(each.count for each in answers),
            "execution_time_ms": [each.milliseconds for each in answers],
        }
        return ModuleResult(any(map(_changed, answers)), data=data)


def new_mark() -> str:
    """A word that no value of anybody's can be."""
    return f"opsrun-{secrets.token_hex(16)}"


def _changed(answered: Answered) -> bool:
    """Whether its tag speaks of a change: of no row changed, it does not."""
    first, *rest = answered.tag.split()
    if first in _COUNTED:
        return rest[-1:] != ["0"]
    return first not in ("SELECT", "SHOW")


def _answered(query: Query, parts: Sequence[str], mark: str) -> Answered:
    """Read the three parts of a query's answer."""
    if len(parts) != 3:
        raise ModuleError("psql's answer makes no sense")
    kinds = [each for each, _ in records(parts[1].removeprefix("kinds\n"))]
    columns = [each[1] for each in kinds[1:] if len(each) == 2]
    body = parts[2].removeprefix("rows\n")
    timed = _TIME.search(body)
    if timed is None:
        raise ModuleError("psql's answer makes no sense: it tells no time")
    body, took = body[: timed.start() + 1], float(timed[1])
    if not columns or query.last is None:
        tag = body.strip().rpartition("\n")[2]
        return Answered([], _counted(tag), tag, took)
    names, *rows = [each for each, _ in records(body)]
    verb = query.last.verb
    if verb in _COUNTED:
        tag = rows.pop()[0]
    else:
        tag = f"{_TAGS.get(verb, verb)} {len(rows)}" if verb in _TOLD else _TAGS.get(verb, verb)
    found = []
    for each in rows:
        values = [None if value == mark else value for value in each]
        found.append({n: typed(v, k) for n, v, k in zip(names, values, columns, strict=True)})
    return Answered(found, _counted(tag) if verb in _COUNTED else len(rows), tag, took)


def _counted(tag: str) -> int:
    """The number of rows that a status tells; 0 where it tells none."""
    last = tag.rpartition(" ")[2]
    return int(last) if last.isdecimal() else 0


def _failed(answer: CommandResult, queries: Sequence[Query], parts: Sequence[str]) -> ModuleError:
    """With the query that it was; before the first, nobody was logged in."""
    at = (len(parts) - 2) // 3
    if 0 <= at < len(queries) and len(parts) > 1:
        return refused(answer, f"the query {queries[at].text!r} failed")
    return refused(answer)
