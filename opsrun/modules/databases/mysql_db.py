"""mysql_db: databases are there, or they are not; dumped to a file, and filled from one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from opsrun.modules.base import Context, Inspection, ModuleError, ModuleResult, Plan
from opsrun.modules.databases import mysql_dumping
from opsrun.modules.databases.mysql import MysqlModule, results, session
from opsrun.modules.databases.mysql_quoting import identifier, literal
from opsrun.modules.options import module, option
from opsrun.modules.requests import Run
from opsrun.modules.wording import path_word
from opsrun.remote.command import CommandResult


@dataclass(frozen=True, slots=True)
class Server:
    """What is known of one."""

    databases: frozenset[str]
    folds: bool
    """Whether names that differ in case alone are one."""

    def has(self, name: str) -> bool:
        """Whether there is a database of that name."""
        return (name.lower() if self.folds else name) in self.databases


class _How(TypedDict):
    overrides: bool
    implicit: bool


@module(
    "community.mysql.mysql_db",
    required_if=[("state", "dump", ("target",)), ("state", "import", ("target",))],
)
class MysqlDb(MysqlModule[Server]):
    """See to it that databases are there, or are not; dump them to a file, or fill one from it."""

    called: Sequence[str] = option(
        required=True,
        name="name",
        aliases=("db",),
        kind="list",
        elements="str",
        doc="The databases; ``all`` for every one, where state is dump or import.",
    )
    state: str = option(
        "present",
        choices=("absent", "dump", "import", "present"),
        doc="Whether they are to be there; or what is done with them.",
    )
    encoding: str = option("", doc="Of texts of a new database; and of what is dumped, imported.")
    collation: str = option("", doc="How texts of a new database are ordered.")
    target: str | None = option(
        kind="path", doc="The file to dump to or import: .sql, also with .gz, .bz2, .xz or .zst."
    )
    single_transaction: bool = option(False, doc="Whether a dump is of one moment.")
    quick: bool = option(True, doc="Whether rows are dumped as they come, and not kept before.")
    skip_lock_tables: bool = option(False, doc="Whether tables are dumped without locks.")
    hex_blob: bool = option(False, doc="Whether bytes are dumped as hexadecimal digits.")
    ignore_tables: Sequence[str] = option(
        (), kind="list", elements="str", doc="Tables, as database.table, that are not dumped."
    )
    master_data: int = option(
        0,
        choices=(0, 1, 2),
        doc="Whether a dump tells its place in the binary log; 2: in a comment.",
    )
    dump_extra_args: str | None = option(doc="Further options of mysqldump.")
    force: bool = option(False, doc="Whether a dump or import goes on behind errors.")
    chdir: str | None = option(kind="path", doc="The directory to import in.")
    sql_log_bin: bool = option(True, doc="Whether the server logs what is done, for its replicas.")
    config_overrides_defaults: bool = option(
        False, doc="Whether config_file tells host and port, where the task says nothing of them."
    )
    restrict_config_file: bool = option(
        False, doc="Whether programs that dump and import read no other file of options."
    )
    check_implicit_admin: bool = option(
        False, doc="Whether root without a password is tried first."
    )
    pipefail: bool = option(False, doc="Both answers are the same: every program's end is seen.")
    use_shell: bool = option(False, doc="Both answers are the same: a shell it is.")
    unsafe_login_password: bool = option(
        False, doc="Both answers are the same: passwords are in no command."
    )

    @property
    def names(self) -> list[str]:
        """The databases, each once."""
        return list(dict.fromkeys(each.strip() for each in self.called))

    def inspect(self, context: Context) -> Inspection[Server]:
        """All databases' names."""
        names, moving = self.names, self.state in ("dump", "import")
        if not names or not all(names):
            raise ModuleError("name is empty")
        if "all" in names and (not moving or len(names) > 1):
            raise ModuleError("name: all stands for every database alone, to be dumped or imported")
        if self.state == "import" and len(names) > 1:
            raise ModuleError("name: only one database can be imported, or all")
        first = ""
        if self.state == "import":
            there = f"t={path_word(self.target or '')}\n"
            if self.chdir:
                there = f"cd {path_word(self.chdir)} || exit\n{there}"
            first = f'{there}[ -f "$t" ] || {{ echo "there is no $t" >&2; exit 1; }}\n'
        sql = ["SELECT @@lower_case_table_names AS f;", "SHOW DATABASES;"]
        run = self.asking(sql, effect="reads", **self._how())
        return Inspection(first + run.script, _server, run.data, environment=True)

    def _how(self) -> _How:
        moving = self.state in ("dump", "import")
        return {
            "overrides": self.config_overrides_defaults or moving,
            "implicit": self.check_implicit_admin,
        }

    def plan(self, state: Server, context: Context) -> Plan:
        """The statements for it, or the program."""
        data: dict[str, Any] = {"db": " ".join(self.names), "db_list": self.names}
        if self.state in ("dump", "import"):
            return self._moved(state, data, context)
        sql = [*(self._present(state) if self.state == "present" else self._absent(state))]
        if not context.check:
            data["executed_commands"] = sql
        if not sql:
            return Plan(result=ModuleResult(data=data))
        lines = [*session(None, self.sql_log_bin), *(f"{each};" for each in sql)]
        return Plan((self.asking(lines, **self._how()),), ModuleResult(True, data=data))

    def _present(self, state: Server) -> Iterator[str]:
        return (self._creation(each) for each in self.names if not state.has(each))

    def _absent(self, state: Server) -> Iterator[str]:
        return (f"DROP DATABASE {identifier(each)}" for each in self.names if state.has(each))

    def _creation(self, name: str) -> str:
        parts = [f"CREATE DATABASE {identifier(name)}"]
        if self.encoding:
            parts.append(f"CHARACTER SET {literal(self.encoding, backslashes=False)}")
        if self.collation:
            parts.append(f"COLLATE {literal(self.collation, backslashes=False)}")
        return " ".join(parts)

    def _moved(self, state: Server, data: dict[str, Any], context: Context) -> Plan:
        target, missing = self.target or "", [e for e in self.names if not state.has(e)]
        missing = [] if self.names == ["all"] else missing
        begin = self.prelude(**self._how()) + mysql_dumping.files(self.restrict_config_file)
        sql: list[str] = []
        if self.state == "dump":
            if missing:
                raise ModuleError(f"there is no database {', '.join(missing)} to be dumped")
            words = self._dumping()
            script = mysql_dumping.dump(words, target)
            shown = f"mysqldump {mysql_dumping.shown(words)} > {target}"
        else:
            sql = [self._creation(each) for each in missing]
            words = self._importing()
            script = mysql_dumping.restore(words, target, self.chdir, self.sql_log_bin, bool(sql))
            shown = f"{mysql_dumping.shown(['mysql', *words])} < {target}"
        if not context.check:
            data["executed_commands"] = [*sql, shown]
        log = session(None, self.sql_log_bin) if sql else []
        lines = [*log, *(f"{each};" for each in sql)]
        request = Run(begin + script, self.data(lines), "changes", environment=True)
        return Plan((request,), ModuleResult(True, msg="", data=data))

    def _dumping(self) -> list[str]:
        flags = (
            ("--force", self.force),
            ("--quick" if self.quick else "--skip-quick", True),
            ("--single-transaction", self.single_transaction),
            ("--skip-lock-tables", self.skip_lock_tables),
            ("--hex-blob", self.hex_blob),
            (f"--master-data={self.master_data}", self.master_data),
            (f"--default-character-set={self.encoding}", self.encoding),
        )
        words = [flag for flag, on in flags if on]
        words += [f"--ignore-table={each}" for each in self.ignore_tables]
        words += mysql_dumping.split(self.dump_extra_args or "")
        if self.names == ["all"]:
            return [*words, "--all-databases"]
        return [*words, *(["--databases"] if len(self.names) > 1 else []), "--", *self.names]

    def _importing(self) -> list[str]:
        words = ["--force"] if self.force else []
        words += [f"--default-character-set={self.encoding}"] if self.encoding else []
        return words if self.names == ["all"] else [*words, "--one-database", "--", *self.names]


def _server(answer: CommandResult) -> Server:
    folds, databases = results(answer)
    found = folds[0][0][1] != "0"
    names = (row[0][1] or "" for row in databases)
    return Server(frozenset(each.lower() if found else each for each in names), found)
