"""mysql_query: statements are carried out, and what they return is told.

The client is asked twice. First of which types the columns are that a statement would return, in a
transaction that can't write and with a limit of no rows; then for the statements themselves, in
XML, which tells NULL from a text. Statements go to the server as they are written.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsrun.errors import UsageError
from opsrun.modules.base import Context, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.databases.mysql import MysqlLogin, Row, refused, results, session
from opsrun.modules.databases.mysql_quoting import filled, identifier
from opsrun.modules.databases.mysql_splitting import Statement, Unclear, statement
from opsrun.modules.databases.mysql_values import UNKNOWN, kinds, value
from opsrun.modules.options import module, option
from opsrun.modules.requests import Request, Run
from opsrun.modules.wording import text_of, word
from opsrun.remote.command import CommandResult

_READS = ("SELECT", "VALUES", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "TABLE")
_ACTS = {"INTO", "GET_LOCK", "RELEASE_LOCK", "RELEASE_ALL_LOCKS", "SLEEP", "NEXTVAL", "SETVAL",
         "NEXT", "BENCHMARK", "LAST_INSERT_ID", "MASTER_POS_WAIT"}  # fmt: skip
"""What does something when it is asked for a second time."""
_COUNTED = ("INSERT", "UPDATE", "DELETE", "REPLACE", "LOAD")
_DEFINES = ("CREATE", "ALTER", "DROP", "TRUNCATE", "RENAME")


@dataclass(frozen=True, slots=True)
class _Query:
    text: str
    known: Statement

    @property
    def asked_twice(self) -> bool:
        """Whether its columns can be told before."""
        return (
            self.known.verb in _READS
            and not self.known.words & _ACTS
            and not any(each.startswith("@") and ":=" in self.text for each in self.known.words)
        )


@module("community.mysql.mysql_query", exclusive=[("positional_args", "named_args")])
class MysqlQuery(MysqlLogin, Module):
    """Carry out SQL on a MySQL or MariaDB server, and tell what it returns."""

    query: Any = option(
        required=True, kind="raw", doc="One statement of SQL, or a list of some: one session."
    )
    login_db: str | None = option(doc="The database that names without one are of.")
    positional_args: Sequence[Any] | None = option(
        kind="list", doc="Values for each ``%s``; ``%%`` stands for ``%`` then."
    )
    named_args: Mapping[str, Any] | None = option(kind="dict", doc="Values for ``%(name)s``.")
    single_transaction: bool = option(
        False, doc="Whether all of them are one transaction, and not each one by itself."
    )
    session_vars: Mapping[str, Any] | None = option(
        kind="dict", doc="Variables of the session that are set before."
    )

    checks = False

    def steps(self, context: Context) -> Steps:
        """The session's mode where it matters, then all of it."""
        texts = self.query if isinstance(self.query, list) else [self.query]
        if not all(isinstance(each, str) for each in texts):
            raise ModuleError("query is no text of SQL, nor a list of some")
        backslashes = True
        if "\\" in repr([texts, self.positional_args, self.named_args]):
            backslashes = yield from self._backslashes()
        queries = [self._read(each, backslashes) for each in texts]
        if not queries:
            return _result(queries, [], [])
        mark = new_mark()
        data = self.data(self._sql(queries, mark))
        answer = yield Run(self._script(queries, mark), data, "changes", environment=True)
        head, _, body = answer.stdout.partition(f"{mark} types end\n".encode())
        told = kinds(text_of(head), mark, len(queries))
        if not answer.ok:
            done = len(re.findall(rb'<field name="%b">' % mark.encode(), body)) - 1
            what = f"the query {queries[done].text!r} failed" if 0 <= done < len(queries) else ""
            raise refused(answer, what)
        if answer.truncated:
            raise ModuleError("what the queries return is too much to be kept")
        return _result(queries, _parted(body, mark, len(queries)), told)

    def _backslashes(self) -> Generator[Request, Any, bool]:
        sql = [*session(self.session_vars), "SELECT @@SESSION.sql_mode AS m;"]
        answer = yield Run(
            f"{self.prelude()}{self.calling()}\n", self.data(sql), "reads", environment=True
        )
        found = results(answer)
        return "NO_BACKSLASH_ESCAPES" not in (found[-1][0][0][1] or "")

    def _read(self, text: str, backslashes: bool) -> _Query:
        try:
            made = filled(text, self.positional_args, self.named_args, backslashes)
        except UsageError as error:
            raise ModuleError(str(error)) from error
        if "\0" in made:
            raise ModuleError("query holds a NUL")
        try:
            return _Query(made, statement(made, backslashes))
        except Unclear as error:
            raise ModuleError(f"the query {made!r} can't be carried out: {error}") from error

    def _begin(self) -> list[str]:
        begin = session(self.session_vars)
        return [*begin, f"USE {identifier(self.login_db)};"] if self.login_db else begin

    def _script(self, queries: Sequence[_Query], mark: str) -> str:
        types = [*self._begin(), "SET SESSION sql_select_limit = 0;", f"DELIMITER {mark}"]
        types += ["START TRANSACTION READ ONLY", mark]
        for at, each in enumerate(queries):
            if each.asked_twice or each.known.first in ("USE", "SET"):
                types += [f"SELECT 1 AS `{mark} {at}`", mark, each.text, mark]
        script = f"{self.prelude()}"
        if any(each.asked_twice for each in queries):
            sql = word("\n".join(_unset(types, queries)))
            script += (
                f"printf '%s\\n' {sql} | my -t -f --column-type-info "
                f"--connect-timeout={self.connect_timeout} 2>/dev/null | "
                "sed -n '/^Field  *[0-9]/p;/^Type:/p'\n"
            )
        return f"{script}echo {word(f'{mark} types end')}\n{self.calling()}\n"

    def _sql(self, queries: Sequence[_Query], mark: str) -> list[str]:
        lines = [*self._begin(), f"DELIMITER {mark}"]
        if self.single_transaction:
            lines += ["START TRANSACTION", mark]
        for each in queries:
            lines += [f"SELECT 1 AS `{mark}`", mark, each.text, mark]
            # Behind whatever it returned: how many rows it changed.
            lines += [f"SELECT ROW_COUNT() AS `{mark} rows`", mark]
        if self.single_transaction:
            lines += ["COMMIT", mark]
        return lines


def _unset(lines: list[str], queries: Sequence[_Query]) -> list[str]:
    """Without what would set more than the session's own."""
    more = {each.text for each in queries if each.known.words & {"GLOBAL", "@@GLOBAL", "PASSWORD",
            "PERSIST", "ROLE", "DEFAULT"} and each.known.first == "SET"}  # fmt: skip
    return ["DO 0" if each in more else each for each in lines]


def new_mark() -> str:
    """A word that no value of anybody's can be; the client takes no more than 15 letters."""
    return f"x{secrets.token_hex(7)}"


def _parted(body: bytes, mark: str, count: int) -> list[tuple[list[Row] | None, int]]:
    """By query, the first result that it had, and how many rows it changed."""
    _, *parts = re.split(rb'(?=<resultset statement="SELECT 1 AS `%b`)' % mark.encode(), body)
    if len(parts) != count:
        raise ModuleError("the client's answer makes no sense: a query was not carried out")
    found = []
    for part in parts:
        every = results(CommandResult(0, stdout=part))
        if len(every) < 2 or every[-1][0][0][0] != f"{mark} rows":
            raise ModuleError("the client's answer makes no sense: a query has no end")
        rows = every[1] if len(every) > 2 else None
        found.append((rows, int(every[-1][0][0][1] or 0)))
    return found


def _result(
    queries: Sequence[_Query],
    answers: Sequence[tuple[list[Row] | None, int]],
    told: Sequence[Sequence[str]],
) -> ModuleResult:
    shown, counts, changed = [], [], False
    for query, (rows, count), columns in zip(queries, answers, told, strict=True):
        shown.append([_record(each, columns) for each in rows or []])
        told_rows = count < 0 or (rows is not None and query.known.verb not in _COUNTED)
        counts.append(len(rows or []) if told_rows else count)
        if query.known.verb in _COUNTED:
            changed = changed or counts[-1] > 0
        else:
            changed = changed or query.known.first in _DEFINES
    data = {
        "executed_queries": [each.text for each in queries],
        "query_result": shown,
        "rowcount": counts,
    }
    return ModuleResult(changed, data=data)


def _record(row: Row, columns: Sequence[str]) -> dict[str, Any]:
    if len(columns) != len(row):
        columns = [UNKNOWN] * len(row)
    found: dict[str, Any] = {}
    for (name, text), kind in zip(row, columns, strict=True):
        free = name
        while free in found:
            free = f".{free}"
        found[free] = value(text, kind)
    return found
