"""How psql(1) and its like are called on a host: who logs in where, and what is read of the answer.

All SQL comes on standard input, behind one line with the password of the login, which is in the
environment of the programs called and nowhere else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsrun.modules.base import (
    Context,
    Inspection,
    ModuleError,
    Plan,
    StateModule,
    Steps,
)
from opsrun.modules.databases.quoting import identifier
from opsrun.modules.options import option
from opsrun.modules.refusing import said
from opsrun.modules.requests import Effect, Run
from opsrun.modules.users.entries import TOOLS
from opsrun.modules.wording import path_word, text_of, word
from opsrun.remote.command import CommandResult

PSQL = "psql -X -q -A -t -w -v ON_ERROR_STOP=1 -f -"
"""No file of settings, no question for a password, the end at the first error."""

_SECRET = """\
IFS= read -r PGPASSWORD || :
if [ -n "$PGPASSWORD" ]; then export PGPASSWORD; else unset PGPASSWORD; fi
"""

_PLACE = re.compile(r"^(?:psql: )?(?:psql:<stdin>:\d+: )?(?:error: )?", re.MULTILINE)

_HINTS = (
    ("Peer authentication failed", "the server takes the host's user for the role: become it"),
    ("no password supplied", "login_password is needed"),
    ("password authentication failed", "is login_password right?"),
    ("No such file or directory\n\tIs the server running", "is the server started, "
     "and is that its port?"),
    ("Connection refused", "is the server started, and does it listen there?"),
    ("\\gdesc", "psql(1) of PostgreSQL 11 or later is needed"),
    ("template database", "template0 takes every encoding and locale"),
    ("is being accessed by other users", "force: true ends their connections"),
    ("cannot be dropped because some objects depend on it", "what it owns and was granted is kept; "
     "drop it, or give it to another role, with DROP OWNED or REASSIGN OWNED in those databases"),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class PostgresLogin:
    """Options of every module that talks to a PostgreSQL server."""

    login_user: str = option("postgres", aliases=("login",), doc="The role that logs in.")
    login_password: str = option("", secret=True, doc="Its password.")
    login_host: str = option(
        "", aliases=("host",), doc="The server's machine; empty for a socket on the host itself."
    )
    login_unix_socket: str = option(
        "", aliases=("unix_socket",), kind="path", doc="The directory of the server's socket."
    )
    port: int = option(5432, aliases=("login_port",), doc="The server's port.")
    ssl_mode: str = option(
        "prefer",
        choices=("allow", "disable", "prefer", "require", "verify-ca", "verify-full"),
        doc="Whether the connection is encrypted, and the server's certificate looked at.",
    )
    ca_cert: str | None = option(
        kind="path", aliases=("ssl_rootcert",), doc="Certificates that the server's is held to."
    )
    ssl_cert: str | None = option(kind="path", doc="A certificate to log in with.")
    ssl_key: str | None = option(kind="path", doc="Its key.")
    session_role: str | None = option(doc="The role to act as, once logged in.")
    trust_input: bool = option(
        True, doc="Both answers are the same: texts are always quoted, and can do no harm."
    )

    def prelude(self, database: str = "") -> str:
        """The beginning of a script: the environment in which all programs find the server."""
        host = self.login_host
        if host in ("", "localhost") and self.login_unix_socket:
            host = self.login_unix_socket
        settings = {
            "PGHOST": path_word(host) if host else "",
            "PGPORT": word(str(self.port)),
            "PGUSER": word(self.login_user),
            "PGDATABASE": word(database) if database else "",
            "PGSSLMODE": "" if self.ssl_mode == "prefer" else word(self.ssl_mode),
            "PGSSLROOTCERT": path_word(self.ca_cert) if self.ca_cert else "",
            "PGSSLCERT": path_word(self.ssl_cert) if self.ssl_cert else "",
            "PGSSLKEY": path_word(self.ssl_key) if self.ssl_key else "",
        }
        lines = [f"{name}={value}\nexport {name}\n" for name, value in settings.items() if value]
        fixed = "LC_ALL=C PGCLIENTENCODING=UTF8\nexport LC_ALL PGCLIENTENCODING\numask 077\n"
        return f"{TOOLS}has psql || lack psql\n{_SECRET}{fixed}{''.join(lines)}"

    def role_option(self) -> str:
        """Has programs that read no SQL of ours act as `session_role`; behind `prelude`."""
        if not self.session_role:
            return ""
        escaped = re.sub(r"([\\\s])", r"\\\1", self.session_role)
        option = word(f" -c role={escaped}")
        return f'PGOPTIONS="${{PGOPTIONS-}}"{option}\nexport PGOPTIONS\n'

    def data(self, sql: Iterable[str] = ()) -> bytes:
        """Standard input of a script that begins with `prelude`: the secret, then lines of SQL.

        Raises:
            ModuleError: the password holds a newline.
        """
        if "\n" in self.login_password or "\0" in self.login_password:
            raise ModuleError("login_password holds a newline")
        lines = list(sql)
        if lines and self.session_role:
            lines.insert(0, f"SET ROLE {identifier(self.session_role)};")
        return "\n".join([self.login_password, *lines, ""]).encode("utf-8", "surrogateescape")

    def asking(self, sql: Sequence[str], database: str, effect: Effect = "changes") -> Run:
        """Have psql read SQL."""
        script = f"{self.prelude(database)}{PSQL}\n"
        return Run(script, self.data(sql), effect, environment=True)

    def looking(self, sql: Sequence[str], database: str) -> Inspection[Mapping[str, Any]]:
        """Have psql read SQL that only looks, and gives one line of JSON."""
        run = self.asking(sql, database, "reads")
        return Inspection(run.script, row, run.data, environment=True)


class PostgresModule(PostgresLogin, StateModule[Mapping[str, Any]]):
    """A module that brings something on a server into a state; what was seen is `row`."""

    def steps(self, context: Context) -> Steps:
        """As ever; what the server refuses is told in its words."""
        how = self.inspect(context)
        answer = yield how.run()
        plan: Plan = self.plan(how.parse(answer), context)
        if plan.empty or context.check:
            return plan.result
        answers = []
        for request in plan.apply:
            given = yield request
            if isinstance(given, CommandResult) and not given.ok:
                raise refused(given)
            answers.append(given)
        return self.conclude(plan, answers)


def words_of(answer: CommandResult) -> str:
    """What psql said is wrong, without the places in our own input."""
    plain = _PLACE.sub("", said(text_of(answer.stderr))).strip()
    return plain.removeprefix("ERROR:").removeprefix("FATAL:").strip()


def refused(answer: CommandResult, what: str = "", **data: Any) -> ModuleError:
    """The error of a script that failed."""
    words = words_of(answer)
    hint = next((hint for phrase, hint in _HINTS if phrase in words), "")
    if not words or "there is no psql" in words:
        return ModuleError.of(answer, what)
    told = ": ".join(filter(None, (what, words)))
    return ModuleError(f"{told} ({hint})" if hint else told, **data)


def row(answer: CommandResult) -> Mapping[str, Any]:
    """The one line of JSON that a script of ours was answered with.

    Raises:
        ModuleError: it failed, or the answer makes no sense.
    """
    if not answer.ok:
        raise refused(answer)
    try:
        found = json.loads(answer.stdout)
    except ValueError:
        found = None
    if not isinstance(found, dict) or answer.truncated:
        raise ModuleError("the server's answer makes no sense, or was cut off")
    return found
