"""postgresql_user: a role of a PostgreSQL server is there, as it shall be, or it is not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from opsrun.errors import did_you_mean
from opsrun.modules.base import Context, Inspection, ModuleError, ModuleResult, Plan
from opsrun.modules.databases import postgres_privileges, splitting, verifiers
from opsrun.modules.databases.postgres_privileges import PUBLIC, Privileges
from opsrun.modules.databases.psql import PostgresModule, refused
from opsrun.modules.databases.quoting import identifier, literal
from opsrun.modules.options import module, option
from opsrun.modules.wording import text_of
from opsrun.remote.command import CommandResult

FLAGS = {
    "SUPERUSER": "rolsuper",
    "CREATEROLE": "rolcreaterole",
    "CREATEDB": "rolcreatedb",
    "INHERIT": "rolinherit",
    "LOGIN": "rolcanlogin",
    "REPLICATION": "rolreplication",
    "BYPASSRLS": "rolbypassrls",
}
"""By attribute, its column in pg_authid."""

_LISTS = frozenset(
    {
        *("search_path", "temp_tablespaces", "unix_socket_directories"),
        *("local_preload_libraries", "session_preload_libraries", "shared_preload_libraries"),
    }
)
"""Parameters of lists of names: one value is one name, kept as SQL has it, in double quotes where
those are needed (https://www.postgresql.org/docs/current/sql-set.html)."""
_PARAMETER = re.compile(r"[A-Za-z_][\w$]*(\.[A-Za-z_][\w$]*)*\Z")


@module("community.postgresql.postgresql_user")
class PostgresqlUser(PostgresModule):
    """See to it that a role of a PostgreSQL server is there as it shall be, or is not."""

    called: str = option(required=True, name="name", aliases=("user",), doc="The role.")
    state: str = option("present", choices=("absent", "present"), doc="Whether it is to be there.")
    password: str | None = option(
        secret=True,
        doc="Plain, or a verifier (md5…, SCRAM-SHA-256$…); an empty one takes it away. A plain one "
        "is made into a verifier before it is sent.",
    )
    encrypted: bool = option(True, doc="Servers of today keep nothing but verifiers: only true.")
    login_db: str = option("", aliases=("db",), doc="The database that priv is about.")
    role_attr_flags: str = option(
        "", doc="Attributes, each with or without NO in front: ``CREATEDB,NOSUPERUSER``."
    )
    priv: str | None = option(
        doc="What it may do: ``CONNECT/CREATE/table:SELECT,INSERT``; nothing else is taken away. "
        "With state: absent, what is taken away first."
    )
    expires: str | None = option(doc="Until when the password is good: a date, or infinity.")
    conn_limit: int | None = option(doc="How many connections it may have; -1 for any number.")
    comment: str | None = option(doc="A comment on it; an empty one takes it away.")
    configuration: Mapping[str, Any] | None = option(
        kind="dict", doc="Settings of its sessions, by parameter."
    )
    reset_unspecified_configuration: bool = option(
        False, doc="Whether settings that configuration does not have are taken away."
    )
    quote_configuration_values: bool = option(
        True, doc="Whether values of configuration are texts, and not SQL."
    )
    no_password_changes: bool = option(
        False, doc="Whether the password of a role that is there is left alone."
    )
    fail_on_user: bool = option(
        True, aliases=("fail_on_role",), doc="Whether a role that can't be removed is a failure."
    )

    # -- what there is

    def inspect(self, context: Context) -> Inspection[Mapping[str, Any]]:
        """The role, its settings, and what it may do."""
        if not self.encrypted and self.password is not None:
            raise ModuleError("encrypted: false is nothing that servers since PostgreSQL 10 take")
        if self.called == PUBLIC and (self.password or self.role_attr_flags):
            raise ModuleError("PUBLIC is every role: it has no password and no attributes")
        self._flags()
        sql = [
            "SELECT has_table_privilege('pg_catalog.pg_authid', 'SELECT') AS sees \\gset",
            "\\if :sees",
            self._looking("pg_authid", True),
            "\\else",
            self._looking("pg_roles", False),
            "\\endif",
        ]
        return self.looking(sql, self.login_db)

    def _looking(self, table: str, sees: bool) -> str:
        until = "NULL" if self.expires is None else f"{literal(self.expires)}::timestamptz"
        found = (
            f"SELECT a.*, a.rolvaliduntil IS NOT DISTINCT FROM {until} AS expires_same, "
            "shobj_description(a.oid, 'pg_authid') AS comment, (SELECT array_to_json(setconfig) "
            "FROM pg_db_role_setting WHERE setdatabase = 0 AND setrole = a.oid) AS settings "
            f"FROM pg_catalog.{table} a WHERE a.rolname = {literal(self.called)}"
        )
        columns = (
            f"(SELECT row_to_json(r) FROM ({found}) r) AS role",
            f"{'true' if sees else 'false'} AS sees",
            "current_setting('password_encryption') AS hashing",
            "current_database() AS name",
            *postgres_privileges.columns(self._wanted(), self.called),
        )
        return f"SELECT row_to_json(x) FROM (SELECT {', '.join(columns)}) x;"

    def _wanted(self) -> Privileges:
        return postgres_privileges.parsed(self.priv)

    def _flags(self) -> dict[str, bool]:
        found = {}
        for flag in filter(None, (each.strip() for each in self.role_attr_flags.split(","))):
            name = flag.upper()
            on = name in FLAGS
            name = name if on else name.removeprefix("NO")
            if name not in FLAGS:
                known = [*FLAGS, *(f"NO{each}" for each in FLAGS)]
                hint = did_you_mean(flag.upper(), known)
                raise ModuleError(f"role_attr_flags: there is no {flag!r}{hint}")
            found[name] = on
        return found

    # -- what has to change

    def plan(self, state: Mapping[str, Any], context: Context) -> Plan:
        """Make it, alter it, or take it away."""
        role = state["role"]
        if self.state == "absent":
            return self._absent(role, state, context)
        pairs = [] if self.called == PUBLIC else [*self._present(role, state)]
        wanted = self._wanted()
        grants = postgres_privileges.statements(wanted, self.called, state, True)
        pairs += [(each, each) for each in grants]
        shown = [one for one, _ in pairs]
        data = {"user": self.called, "queries": shown}
        if not pairs:
            return Plan(result=ModuleResult(data=data))
        sql = ["BEGIN;", *(f"{real};" for _, real in pairs), "COMMIT;"]
        return Plan((self.asking(sql, self.login_db),), ModuleResult(True, data=data))

    def _present(
        self, role: Mapping[str, Any] | None, state: Mapping[str, Any]
    ) -> Iterator[tuple[str, str]]:
        """Statements, each as it is shown and as it is."""
        name = identifier(self.called)
        shown, real = self._clauses(role, state)
        if role is None or shown:
            verb = "CREATE" if role is None else "ALTER"
            mark = "WITH " if any(not each.startswith(("VALID", "CONN")) for each in shown) else ""
            yield tuple(  # type: ignore[misc]
                f"{verb} USER {name} {mark}{' '.join(each)}".rstrip() for each in (shown, real)
            )
        if self.comment is not None and self.comment != ((role or {}).get("comment") or ""):
            text = f"COMMENT ON ROLE {name} IS {literal(self.comment)}"
            yield text, text
        for text in self._settings((role or {}).get("settings") or []):
            yield text, text

    def _clauses(
        self, role: Mapping[str, Any] | None, state: Mapping[str, Any]
    ) -> tuple[list[str], list[str]]:
        shown, real = [], []
        if self.password is not None and self._other_password(role, state):
            if self.password:
                made = verifiers.made(self.password, self.called, state["hashing"])
                shown.append("ENCRYPTED PASSWORD %(password)s")
                real.append(f"ENCRYPTED PASSWORD {literal(made)}")
            elif role is not None:
                shown.append("PASSWORD NULL")
                real.append("PASSWORD NULL")
        flags = self._flags()
        if any(role is None or role.get(FLAGS[each]) is not on for each, on in flags.items()):
            words = [each if on else f"NO{each}" for each, on in flags.items()]
            shown += words
            real += words
        if self.expires is not None and (role is None or not role["expires_same"]):
            shown.append("VALID UNTIL %(expires)s")
            real.append(f"VALID UNTIL {literal(self.expires)}")
        if self.conn_limit is not None and (
            role is None or role["rolconnlimit"] != self.conn_limit
        ):
            shown.append(f"CONNECTION LIMIT {self.conn_limit}")
            real.append(f"CONNECTION LIMIT {self.conn_limit}")
        return shown, real

    def _other_password(self, role: Mapping[str, Any] | None, state: Mapping[str, Any]) -> bool:
        if role is None:
            return True
        if self.no_password_changes:
            return False
        # Who may not see what the role has can't tell that it is the same.
        has = role["rolpassword"]
        return not state["sees"] or not verifiers.holds(has, self.password or "", self.called)

    def _settings(self, known: Sequence[str]) -> Iterator[str]:
        name = identifier(self.called)
        wanted = {key: _value(value) for key, value in (self.configuration or {}).items()}
        has = dict(each.split("=", 1) for each in known)
        for key, value in wanted.items():
            if not _PARAMETER.match(key):
                raise ModuleError(f"configuration: {key!r} can't be the name of a parameter")
            plain = self.quote_configuration_values
            quoted = '"' + value.replace('"', '""') + '"'
            kept = (value, quoted) if key.lower() in _LISTS else (value,)
            if has.get(key) not in (kept if plain else (value.strip().strip("'"),)):
                said = literal(value) if plain else _checked(value)
                yield f"ALTER ROLE {name} SET {identifier(key)} TO {said}"
        if self.reset_unspecified_configuration:
            for key in sorted(has.keys() - wanted.keys()):
                yield f"ALTER ROLE {name} RESET {identifier(key)}"

    # -- taking it away

    def _absent(
        self, role: Mapping[str, Any] | None, state: Mapping[str, Any], context: Context
    ) -> Plan:
        data: dict[str, Any] = {"user": self.called, "queries": []}
        if role is None and self.called != PUBLIC:
            return Plan(result=ModuleResult(data=data))
        wanted = self._wanted()
        sql = postgres_privileges.statements(wanted, self.called, state, False)
        if role is not None:
            sql.append(f"DROP USER {identifier(self.called)}")
        if not sql:
            return Plan(result=ModuleResult(data=data))
        data = {**data, "user_removed": role is not None, "queries": sql}
        lines = [f"{each};" for each in sql]
        if self.fail_on_user:
            lines = ["BEGIN;", *lines, "COMMIT;"]
        else:
            lines.insert(-1, "\\set ON_ERROR_STOP off")
        there = f"SELECT count(*) FROM pg_roles WHERE rolname = {literal(self.called)};"
        request = self.asking([*lines, there], self.login_db)
        return Plan((request,), ModuleResult(True, data=data))

    def conclude(self, plan: Plan, answers: Sequence[Any]) -> ModuleResult:
        """Whether it is really gone."""
        return _gone(plan.result, answers[-1])

    @classmethod
    def concluded(cls, recipe: Mapping[str, Any], answer: CommandResult) -> ModuleResult:
        """See `Module.concluded`."""
        if not answer.ok:
            raise refused(answer)
        return _gone(ModuleResult.from_dict(recipe["result"]), answer)


def _gone(result: ModuleResult, answer: CommandResult) -> ModuleResult:
    if not result.data.get("user_removed") or text_of(answer.stdout).strip() == "0":
        return result
    revoked = len(result.data["queries"]) > 1
    data = {**result.data, "user_removed": False}
    return replace(result, changed=revoked, data=data, warnings=(str(refused(answer)),))


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def _checked(value: str) -> str:
    """SQL of the playbook's own, that it is one value and nothing behind it."""
    found = splitting.statements(f"SET x TO {value}")
    if found is None or len(found) != 1 or ";" in value.replace("';'", ""):
        raise ModuleError(f"configuration: {value!r} is more than a value")
    return found[0].shown.removeprefix("SET x TO ")
