"""postgresql_db: a database is there, as it shall be, or it is not; dumped, restored, renamed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from opsrun.modules.base import Context, Inspection, ModuleError, ModuleResult, Plan, Steps
from opsrun.modules.databases import dumping
from opsrun.modules.databases.psql import PostgresModule, refused
from opsrun.modules.databases.quoting import identifier, literal
from opsrun.modules.options import module, option
from opsrun.modules.requests import Run
from opsrun.modules.wording import text_of

_FORCE_SINCE = 130000
"""Version from which on DROP DATABASE can end others' connections itself."""


@module(
    "community.postgresql.postgresql_db",
    required_if=[("state", "rename", ("target",)), ("state", "restore", ("target",))],
)
class PostgresqlDb(PostgresModule):
    """See to it that a database is there as it shall be, or is not; dump or restore it."""

    called: str = option(required=True, name="name", aliases=("db",), doc="The database.")
    state: str = option(
        "present",
        choices=("absent", "dump", "present", "rename", "restore"),
        doc="Whether it is to be there; or what is done with it.",
    )
    owner: str = option("", doc="The role that owns it.")
    encoding: str = option("", doc="Of its texts. Once made, it can't be had in another one.")
    lc_collate: str = option("", doc="How texts are ordered; it can't be changed either.")
    lc_ctype: str = option("", doc="What letters are; it can't be changed either.")
    locale_provider: str = option("", doc="Whose collations these are: libc or icu.")
    icu_locale: str = option("", doc="The locale, where that is icu.")
    template: str = option("", doc="The database that a new one is a copy of.")
    tablespace: str = option("", doc="Where its files are.")
    conn_limit: str = option("", doc="How many connections there may be; -1 for any number.")
    comment: str | None = option(doc="A comment on it; an empty one takes it away.")
    force: bool = option(False, doc="Whether those who are connected to it are sent away first.")
    maintenance_db: str = option("postgres", doc="The database to log in to meanwhile.")
    target: str = option(
        "",
        kind="path",
        doc="The file to dump to or restore from; its name tells how: .sql, .tar, .pgc (custom), "
        ".dir (a directory), each but that also with .gz, .bz2 or .xz. Or the new name.",
    )
    target_opts: str = option("", doc="Further options of pg_dump, pg_restore or psql.")
    dump_extra_args: str | None = option(doc="Further options of pg_dump.")

    # -- what there is

    def inspect(self, context: Context) -> Inspection[Mapping[str, Any]]:
        """The database, and what it needs."""
        if self.conn_limit and not self.conn_limit.lstrip("-").isdecimal():
            raise ModuleError(f"conn_limit: {self.conn_limit!r} is no number")
        found = (
            "SELECT d.*, pg_get_userbyid(d.datdba) AS owner, pg_encoding_to_char(d.encoding) AS "
            "encoded, t.spcname, shobj_description(d.oid, 'pg_database') AS comment "
            "FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace "
            f"WHERE d.datname = {literal(self.called)}"
        )
        columns = (
            f"(SELECT row_to_json(r) FROM ({found}) r) AS database",
            f"pg_char_to_encoding({literal(self.encoding)}) AS encoding",
            f"EXISTS (SELECT FROM pg_database WHERE datname = {literal(self.target)}) AS target",
            f"EXISTS (SELECT FROM pg_roles WHERE rolname = {literal(self.owner)}) AS owner",
            "current_setting('server_version_num')::int AS version",
        )
        sql = f"SELECT row_to_json(x) FROM (SELECT {', '.join(columns)}) x;"
        return self.looking([sql], self.maintenance_db)

    # -- what has to change

    def plan(self, state: Mapping[str, Any], context: Context) -> Plan:
        """The statements for it."""
        made = {"present": self._present, "absent": self._absent, "rename": self._renamed}
        sql = list(made[self.state](state))
        data = {"db": self.called, "executed_commands": sql}
        if not sql:
            return Plan(result=ModuleResult(data=data))
        request = self.asking([f"{each};" for each in sql], self.maintenance_db)
        return Plan((request,), ModuleResult(True, data=data))

    def _absent(self, state: Mapping[str, Any]) -> Iterator[str]:
        if state["database"] is None:
            return
        if self.called == self.maintenance_db:
            raise ModuleError(f"{self.called} is the database to log in to: see maintenance_db")
        if self.force and state["version"] < _FORCE_SINCE:
            yield (
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = "
                f"{literal(self.called)} AND pid <> pg_backend_pid()"
            )
            yield f"DROP DATABASE {identifier(self.called)}"
        else:
            yield f"DROP DATABASE {identifier(self.called)}{' WITH (FORCE)' if self.force else ''}"

    def _renamed(self, state: Mapping[str, Any]) -> Iterator[str]:
        if state["database"] is None and not state["target"]:
            raise ModuleError(f"there is neither a database {self.called} nor {self.target}")
        if state["database"] is not None:
            if state["target"]:
                raise ModuleError(f"there is a database {self.called}, and {self.target} as well")
            yield f"ALTER DATABASE {identifier(self.called)} RENAME TO {identifier(self.target)}"

    def _present(self, state: Mapping[str, Any]) -> Iterator[str]:
        found, name = state["database"], identifier(self.called)
        if self.owner and not state["owner"]:
            raise ModuleError(f"there is no role {self.owner} to own it")
        if self.encoding and state["encoding"] < 0:
            raise ModuleError(f"the server knows no encoding {self.encoding!r}")
        if found is None:
            yield self._creation()
        else:
            self._unchangeable(found, state["encoding"])
            if self.owner not in ("", found["owner"]):
                yield f"ALTER DATABASE {name} OWNER TO {identifier(self.owner)}"
            if self.conn_limit and int(self.conn_limit) != found["datconnlimit"]:
                yield f"ALTER DATABASE {name} CONNECTION LIMIT {int(self.conn_limit)}"
            if self.tablespace not in ("", found["spcname"]):
                yield f"ALTER DATABASE {name} SET TABLESPACE {identifier(self.tablespace)}"
        if self.comment is not None and self.comment != ((found or {}).get("comment") or ""):
            yield f"COMMENT ON DATABASE {name} IS {literal(self.comment)}"

    def _creation(self) -> str:
        parts = [f"CREATE DATABASE {identifier(self.called)}"]
        for keyword, value, quoted in (
            ("OWNER", self.owner, identifier),
            ("TEMPLATE", self.template, identifier),
            ("ENCODING", self.encoding, literal),
            ("LOCALE_PROVIDER", self.locale_provider, identifier),
            ("LC_COLLATE", self.lc_collate, literal),
            ("LC_CTYPE", self.lc_ctype, literal),
            ("ICU_LOCALE", self.icu_locale, literal),
            ("TABLESPACE", self.tablespace, identifier),
        ):
            if value:
                parts.append(f"{keyword} {quoted(value)}")
        if self.conn_limit:
            parts.append(f"CONNECTION LIMIT {int(self.conn_limit)}")
        return " ".join(parts)

    def _unchangeable(self, found: Mapping[str, Any], encoding: int) -> None:
        """ModuleError: something would have to be another that can't be changed."""
        icu = found.get("daticulocale") or found.get("datlocale")
        provider = {"c": "libc", "i": "icu", "b": "builtin"}.get(found.get("datlocprovider", "c"))
        for name, wanted, has, same in (
            ("encoding", self.encoding, found["encoded"], encoding == found["encoding"]),
            ("lc_collate", self.lc_collate, found["datcollate"], None),
            ("lc_ctype", self.lc_ctype, found["datctype"], None),
            ("icu_locale", self.icu_locale, icu, None),
            ("locale_provider", self.locale_provider.lower(), provider, None),
        ):
            if wanted and not (wanted == has if same is None else same):
                raise ModuleError(f"the database has {name} {has}, which can't become {wanted}")

    # -- dumped and restored

    def steps(self, context: Context) -> Steps:
        """A dump and what it is restored from need no looking."""
        if self.state not in ("dump", "restore"):
            return (yield from super().steps(context))
        script = self._moving()
        shown = f"{'pg_dump' if self.state == 'dump' else 'restore'} {self.called}"
        data: dict[str, Any] = {"db": self.called, "executed_commands": []}
        if context.check:
            return ModuleResult(True, data=data)
        begin = self.prelude() + self.role_option()
        answer = yield Run(begin + script, self.data(), "changes", environment=True)
        words = text_of(answer.stderr)
        if not answer.ok or (self.state == "restore" and "ERROR:" in words):
            raise refused(answer, f"{shown} failed", rc=answer.rc or 1, cmd=shown)
        data |= {"executed_commands": [shown], "cmd": shown, "rc": 0, "stderr": words}
        return ModuleResult(True, msg="", data={**data, "stderr_lines": words.splitlines()})

    def _moving(self) -> str:
        target = self.target or f"~/{self.called}.sql"
        options = f"{self.target_opts} {self.dump_extra_args or ''}"
        if self.state == "dump":
            return dumping.dump(self.called, target, options)
        return dumping.restore(self.called, target, self.target_opts)
