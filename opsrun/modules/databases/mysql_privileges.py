"""The ``priv`` of mysql_user, ``db.table:SELECT,INSERT(a, b)/*.*:ALL,GRANT``, and ``SHOW GRANTS``.

A privilege is a pair: its name, and the column that it is for; columns come one by one, so that it
does not matter how they are grouped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opsrun.modules.base import ModuleError
from opsrun.modules.databases.mysql_quoting import identifier

Privilege = tuple[str, "str | None"]
Privileges = frozenset[Privilege]
ALL: Privilege = ("ALL", None)
GRANT: Privilege = ("GRANT", None)
USAGE: Privilege = ("USAGE", None)

_KINDS = ("FUNCTION", "PROCEDURE", "PACKAGE BODY", "PACKAGE", "TABLE")
_SAME = {
    "ALL PRIVILEGES": "ALL",
    "GRANT OPTION": "GRANT",
    "CREATE TABLESPACES": "CREATE TABLESPACE",
    "DELETE VERSIONING ROWS": "DELETE HISTORY",
}
_SAME_IN_MARIADB = {
    "REPLICATION CLIENT": "BINLOG MONITOR",
    "REPLICA MONITOR": "SLAVE MONITOR",
    "REPLICATION REPLICA": "REPLICATION SLAVE",
    "REPLICATION REPLICA ADMIN": "REPLICATION SLAVE ADMIN",
}
"""Since its version 10.5, by https://mariadb.com/kb/en/grant/."""
_NAME = re.compile(r"[A-Z_]+( [A-Z_]+)*\Z")
_EVERYTHING = frozenset(
    {
        *("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "RELOAD", "SHUTDOWN"),
        *("PROCESS", "FILE", "REFERENCES", "INDEX", "ALTER", "SHOW DATABASES", "SUPER"),
        *("CREATE TEMPORARY TABLES", "LOCK TABLES", "EXECUTE", "REPLICATION SLAVE"),
        *("REPLICATION CLIENT", "CREATE VIEW", "SHOW VIEW", "CREATE ROUTINE", "ALTER ROUTINE"),
        *("CREATE USER", "EVENT", "TRIGGER", "CREATE TABLESPACE", "CREATE ROLE", "DROP ROLE"),
    }
)
"""What MySQL 8 shows one by one for ALL on ``*.*``."""


@dataclass(frozen=True, slots=True, order=True)
class Level:
    """What privileges are about."""

    kind: str
    """``FUNCTION``, ``PROCEDURE`` …; empty for tables, and all that holds tables."""
    database: str
    """``*`` for all of them; else a pattern, as the server takes it."""
    inner: str
    """``*``, or a name."""

    def __str__(self) -> str:
        parts = (each if each == "*" else identifier(each) for each in (self.database, self.inner))
        return f"{self.kind} {'.'.join(parts)}".strip()


EVERYWHERE = Level("", "*", "*")


@dataclass(frozen=True, slots=True)
class Reading:
    """How privileges are read."""

    mariadb: bool = True
    cased: bool = False
    """Whether columns that differ in case alone are two."""

    def privileges(self, names: Iterable[str]) -> Privileges:
        """Of words like ``SELECT (a, b)``. ModuleError: that can't be a privilege."""
        found: set[Privilege] = set()
        for each in names:
            found.update(self._one(each.strip()))
        if not found - {GRANT}:
            found.add(USAGE)
        return frozenset(found if len(found - {GRANT}) == 1 else found - {USAGE})

    def _one(self, text: str) -> Iterator[Privilege]:
        name, columns = text, None
        begin = text.find("(")
        if begin >= 0:
            name, columns = text[:begin].strip(), text[begin + 1 :].rstrip()
            if not columns.endswith(")"):
                raise ModuleError(f"priv: {text!r}: the columns are not closed")
            columns = columns[:-1]
        name = " ".join(name.upper().split())
        name = _SAME.get(name, name)
        if self.mariadb:
            name = _SAME_IN_MARIADB.get(name, name)
        if name == "REQUIRESSL":
            raise ModuleError("priv: REQUIRESSL is no privilege: tls_requires asks for that")
        if not _NAME.match(name):
            raise ModuleError(f"priv: {text!r} can't be a privilege")
        if columns is None:
            yield name, None
            return
        for column in _split(columns, ","):
            plain = _unquoted(column.strip())
            yield name, plain if self.cased else plain.upper()

    def wanted(self, given: Any) -> dict[Level, Privileges] | None:
        """What a task asks for; None where it says nothing.

        Raises:
            ModuleError: it can't be read.
        """
        if given is None:
            return None
        found = {}
        for where, names in _pairs(given):
            level = level_of(where)
            found[level] = self.privileges(_split(names, ","))
        return found

    def granted(self, lines: Iterable[str]) -> dict[Level, Privileges]:
        """What ``SHOW GRANTS`` tells. Roles and proxies are left out."""
        found: dict[Level, Privileges] = {}
        for line in lines:
            text = line.removeprefix("GRANT ")
            parts = _split(text, " ON ")
            if text == line or len(parts) < 2 or text.startswith("PROXY ON "):
                continue
            where = _split(parts[1], " TO ")[0]
            names = _split(parts[0], ",")
            if text.endswith(" WITH GRANT OPTION") or " WITH GRANT OPTION " in text:
                names.append("GRANT")
            level = level_of(where)
            both = found.get(level, frozenset()) | self.privileges(names)
            found[level] = both - {USAGE} if len(both - {GRANT}) > 1 else both
        everywhere = found.get(EVERYWHERE)
        if everywhere and not self.mariadb:
            names_of = {name for name, column in everywhere if column is None}
            if names_of >= _EVERYTHING:
                found[EVERYWHERE] = frozenset({ALL} | (everywhere & {GRANT}))
        return found


def level_of(text: str) -> Level:
    """Of ``db.*``, ``FUNCTION db.name`` and the like. ModuleError: it is none."""
    kind, plain = "", text.strip()
    for each in _KINDS:
        if plain.upper().startswith(f"{each} "):
            kind, plain = each, plain[len(each) :].strip()
            break
    parts = _split(plain, ".")
    if len(parts) == 1 and parts[0].strip() == "*":
        parts = ["*", "*"]
    if len(parts) != 2 or not all(each.strip() for each in parts):
        raise ModuleError(f"priv: {text!r} is not of the form database.table")
    database, inner = (_unquoted(each.strip()) for each in parts)
    return Level("" if kind == "TABLE" else kind, database, inner)


def _pairs(given: Any) -> Iterator[tuple[str, str]]:
    if isinstance(given, Mapping):
        for where, names in given.items():
            listed = isinstance(names, list)
            yield str(where), ",".join(map(str, names)) if listed else str(names)
        return
    if not isinstance(given, str):
        raise ModuleError("priv is neither a text nor a mapping")
    for part in _split(given, "/"):
        where, *names = _split(part.strip(), ":")
        if len(names) != 1 or not names[0].strip():
            raise ModuleError(f"priv: {part!r} is not of the form database.table:PRIVILEGE,…")
        yield where, names[0]


def _split(text: str, sign: str) -> list[str]:
    """Apart at a sign, where it is neither in backticks nor in parentheses."""
    parts, at, depth, quoted, begin = [], 0, 0, False, 0
    while at < len(text):
        letter = text[at]
        if letter == "`":
            quoted = not quoted
        elif not quoted:
            depth += {"(": 1, ")": -1}.get(letter, 0)
            if not depth and text.startswith(sign, at):
                parts.append(text[begin:at])
                at += len(sign)
                begin = at
                continue
        at += 1
    return [*parts, text[begin:]]


def _unquoted(name: str) -> str:
    if len(name) > 1 and name[0] == name[-1] == "`":
        return name[1:-1].replace("``", "`")
    return name


def as_kept(
    has: Mapping[Level, Privileges], wanted: Mapping[Level, Privileges]
) -> dict[Level, Privileges]:
    """What is wanted, with columns as the server writes them, where case alone is different."""
    found = {}
    for level, names in wanted.items():
        kept = {(name, (column or "").upper()): column for name, column in has.get(level, ())}
        found[level] = frozenset(
            (name, kept.get((name, (column or "").upper()), column)) for name, column in names
        )
    return found


def changes(
    has: Mapping[Level, Privileges], wanted: Mapping[Level, Privileges], how: str
) -> tuple[list[tuple[Level, Privileges]], list[tuple[Level, Privileges]]]:
    """What is to be taken away, and what is to be given, each by level.

    Args:
        has: what there is.
        wanted: what the task says.
        how: ``exactly``, ``append`` or ``subtract``.
    """
    if how == "subtract":
        taken = (
            (level, _fewer(has.get(level, frozenset()), less)) for level, less in wanted.items()
        )
        return [each for each in taken if each[1]], []
    less: list[tuple[Level, Privileges]] = []
    more: list[tuple[Level, Privileges]] = []
    every = dict(wanted) if how == "append" else {EVERYWHERE: frozenset({USAGE}), **wanted}
    if how == "exactly":
        for level, old in has.items():
            new = every.get(level, frozenset())
            gone = old - new - {USAGE}
            if ALL in new:
                gone &= {GRANT}
            if gone:
                less.append((level, gone))
    for level, new in every.items():
        old = has.get(level, frozenset())
        added = new - old - {USAGE}
        if ALL in old and (how == "append" or ALL in new):
            added &= {GRANT}
        if added:
            more.append((level, added))
    return less, more


def _fewer(old: Privileges, less: Privileges) -> Privileges:
    if ALL in less:
        less = (old - {USAGE, GRANT}) | (less & {GRANT})
    elif ALL in old:
        return frozenset((less - {GRANT, USAGE}) | (less & old & {GRANT}))
    return frozenset((old & less) - {USAGE})


def grant(level: Level, privileges: Privileges, user: str) -> str:
    """The statement that gives them."""
    option = " WITH GRANT OPTION" if GRANT in privileges else ""
    return f"GRANT {shown(privileges - {GRANT}) or 'USAGE'} ON {level} TO {user}{option}"


def revoke(level: Level, privileges: Privileges, user: str) -> Iterator[str]:
    """The statements that take them away; ``ALL`` does not go with the option in one."""
    if GRANT in privileges:
        yield f"REVOKE GRANT OPTION ON {level} FROM {user}"
    if privileges - {GRANT}:
        yield f"REVOKE {shown(privileges - {GRANT})} ON {level} FROM {user}"


def shown(privileges: Privileges) -> str:
    """As SQL has them."""
    columns: dict[str, list[str]] = {}
    for name, column in sorted(privileges, key=lambda each: (each[0], each[1] or "")):
        columns.setdefault(name, []).extend([] if column is None else [identifier(column)])
    made = []
    for name, each in columns.items():
        plain = "ALL PRIVILEGES" if name == "ALL" else name
        made.append(f"{plain} ({', '.join(each)})" if each else plain)
    return ", ".join(made)
