"""The ``priv`` of postgresql_user: ``CONNECT/CREATE/table:SELECT,INSERT/schema.table:ALL``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsrun.errors import did_you_mean
from opsrun.modules.base import ModuleError
from opsrun.modules.databases.quoting import identifier, literal

_DATABASE = ("CREATE", "CONNECT", "TEMPORARY")
_TABLE = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
PUBLIC = "PUBLIC"


@dataclass(frozen=True, slots=True)
class Privileges:
    """What is asked for."""

    database: tuple[str, ...] = ()
    """On the database that is logged in to."""
    tables: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """By table, as it is written."""


def parsed(text: str | None) -> Privileges:
    """Read it. ModuleError: there is no such privilege."""
    database: list[str] = []
    tables: dict[str, list[str]] = {}
    for part in filter(None, (text or "").split("/")):
        table, colon, names = part.rpartition(":")
        known = _TABLE if colon else _DATABASE
        for name in names.split(","):
            found = _named(name.strip().upper(), known)
            (tables.setdefault(table, []) if colon else database).extend(found)
    unique = {table: tuple(dict.fromkeys(names)) for table, names in tables.items()}
    return Privileges(tuple(dict.fromkeys(database)), tuple(unique.items()))


def _named(name: str, known: Sequence[str]) -> Sequence[str]:
    if name == "ALL":
        return known
    name = "TEMPORARY" if name == "TEMP" and "TEMPORARY" in known else name
    if name not in known:
        raise ModuleError(f"priv: there is no privilege {name!r} here{did_you_mean(name, known)}")
    return (name,)


def table_name(table: str) -> str:
    """As SQL has it: ``table``, or ``schema.table``."""
    return ".".join(identifier(part) for part in table.split(".", 1))


def columns(wanted: Privileges, role: str) -> Iterator[str]:
    """What has to be selected to know which of them a role has: `database` and `tables`."""
    oid = "0" if role == PUBLIC else f"(SELECT oid FROM pg_roles WHERE rolname = {literal(role)})"
    # What every role may do, or roles that it is in, can be taken from them: it needs its own.
    yield (
        "(SELECT json_agg(e.privilege_type) FROM pg_database d, "
        "aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) e "
        f"WHERE d.datname = current_database() AND e.grantee = {oid}) AS database"
    )
    tables = []
    for table, _ in wanted.tables:
        found = f"to_regclass({literal(table_name(table))})"
        acl = "aclexplode(coalesce(c.relacl, acldefault('r', c.relowner)))"
        tables.append(
            f"json_build_object('there', {found} IS NOT NULL, 'has', (SELECT json_agg("
            f"e.privilege_type) FROM pg_class c, {acl} e WHERE c.oid = {found} "
            f"AND e.grantee = {oid}))"
        )
    yield f"json_build_array({', '.join(tables)}) AS tables"


def statements(wanted: Privileges, role: str, seen: Mapping[str, Any], grant: bool) -> list[str]:
    """What grants what is missing, or takes away what is there.

    Raises:
        ModuleError: there is no such table.
    """
    verb, to = ("GRANT", "TO") if grant else ("REVOKE", "FROM")
    who = PUBLIC if role == PUBLIC else identifier(role)
    made = []

    def add(names: Sequence[str], has: Sequence[str] | None, what: str) -> None:
        chosen = [each for each in names if (each in (has or ())) != grant]
        if chosen:
            made.append(f"{verb} {', '.join(chosen)} ON {what} {to} {who}")

    add(wanted.database, seen.get("database"), f"DATABASE {identifier(seen['name'])}")
    for (table, names), found in zip(wanted.tables, seen["tables"], strict=True):
        if found["there"]:
            add(names, found["has"], f"TABLE {table_name(table)}")
        elif grant:
            raise ModuleError(f"there is no table {table} in the database {seen['name']}")
    return made
