"""How mysql(1) or mariadb(1) is called on a host: who logs in where, and how its answer is read.

What tells the client who logs in is an option file that is nowhere on disk: a descriptor of the
client's own. It has what ``[client]`` of the user's file says, and behind it what the task says;
the task's part comes on standard input, in front of the SQL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from opsrun.modules.base import Context, ModuleError, Plan, StateModule, Steps
from opsrun.modules.databases.mysql_quoting import literal, setting
from opsrun.modules.options import option
from opsrun.modules.refusing import said
from opsrun.modules.requests import Effect, Run
from opsrun.modules.users.entries import TOOLS
from opsrun.modules.wording import path_word, text_of, word
from opsrun.remote.command import CommandResult

MY_CNF = "~/.my.cnf"
PLAIN = (
    "SET SESSION sql_mode = IF(VERSION() LIKE '%MariaDB%' OR VERSION() LIKE '5.%', "
    "'NO_AUTO_CREATE_USER', '');"
)
"""What constants and names of ours are written for; and nobody is made by granting."""

_FIND = """\
client=
for each in mariadb mysql; do
  if has "$each"; then client=$each; break; fi
done
[ -n "$client" ] || lack mysql
own=
while IFS= read -r line && [ -n "$line" ]; do
  own="$own$line
"
done
"""

_CONFIGURED = """\
known=
if [ -f "$config" ] && [ -r "$config" ]; then
  known=$(awk -v keys="$keys" '
    /^[ \\t]*\\[/ { on = ($0 ~ /^[ \\t]*\\[client\\]/); next }
    on { key = $0; sub(/^[ \\t]*/, "", key); sub(/[ \\t]*(=.*)?$/, "", key); gsub(/_/, "-", key)
      if (index(keys, " " key " ")) print }' "$config") || exit
fi
"""
"""The lines of ``[client]`` that say who logs in; other programs' options are not ours."""

_KEYS = " user password socket ssl ssl-ca ssl-cert ssl-key ssl-capath ssl-cipher ssl-mode "

_CALL = """\
my() {
  "$client" --defaults-file=/dev/fd/3 --batch --binary-mode --comments \\
    --default-character-set=utf8mb4 "$@" 3<<X
$settings
X
}
"""

_IMPLICIT = """\
implicit="[client]
user=root
$base"
settings=$implicit
if my -e 'DO 0' </dev/null >/dev/null 2>&1; then known=; own=; else implicit=; fi
"""

_ERROR = re.compile(
    r"^ERROR (?P<code>\d+) \([0-9A-Z]+\)(?: at line \d+)?(?: in file: [^:]*)?: ", re.M
)
_WARNING = re.compile(
    r"^(?:WARNING|mysql: \[Warning\]|\w+: Deprecated program name)[^\n]*\n?", re.M
)

_HINTS = {
    "1045": "are login_user and login_password right? Without login_unix_socket, login is over TCP",
    "1698": "the server takes the host's user for its own: become it, with login_unix_socket",
    "2002": "is the server started, and is that its socket or its port?",
    "2003": "is the server started, and does it listen there?",
    "1227": "who logs in may not do that",
    "1044": "who logs in may not do that",
    "1372": "the server judges passwords itself and wants them plain: strict_password_validation",
    "1396": "is there one of that name, perhaps a role?",
}

_RESULT = re.compile(rb"<resultset statement=\"[^\"]*\"[^>]*>(.*?)</resultset>", re.DOTALL)
_FIELD = re.compile(
    rb"<field name=\"([^\"]*)\"(?: xsi:nil=\"true\" />|>([^<]*)</field>)|</row>", re.DOTALL
)
_ENTITIES = {b"&lt;": b"<", b"&gt;": b">", b"&quot;": b'"', b"&amp;": b"&"}
_ENTITY = re.compile(b"|".join(_ENTITIES))
_VARIABLE = re.compile(r"[A-Za-z_]\w*(\.\w+)?\Z")

Row = tuple[tuple[str, "str | None"], ...]
"""Names and values of one row, in order; None for NULL."""
Found = TypeVar("Found")


@dataclass(frozen=True, kw_only=True)
class MysqlLogin:
    """Options of every module that talks to a MySQL or MariaDB server."""

    login_user: str | None = option(doc="Who logs in; if not given, whom config_file names: root.")
    login_password: str | None = option(secret=True, doc="With which password.")
    login_host: str = option("localhost", doc="The server's machine, as the host sees it.")
    login_port: int = option(3306, doc="The server's port.")
    login_unix_socket: str | None = option(
        doc="The server's socket; without it, login is over TCP."
    )
    config_file: str = option(
        MY_CNF,
        kind="path",
        doc="A file whose [client] says who logs in, where the task does not; empty for none.",
    )
    connect_timeout: int = option(30, doc="Seconds that logging in may take.")
    ca_cert: str | None = option(
        kind="path", aliases=("ssl_ca",), doc="Certificates that the server's is held to."
    )
    client_cert: str | None = option(
        kind="path", aliases=("ssl_cert",), doc="A certificate to log in with."
    )
    client_key: str | None = option(kind="path", aliases=("ssl_key",), doc="Its key.")
    check_hostname: bool | None = option(
        doc="Whether the server's certificate has to be for its name; where there is a ca_cert, so "
        "it is unless told otherwise."
    )

    def prelude(self, overrides: bool = False, implicit: bool = False) -> str:
        """The beginning of a script: `my` calls the client, and ``settings`` is its option file.

        Args:
            overrides: whether ``config_file`` has the last word on the server's place.
            implicit: whether root is tried without a password first.
        """
        place = overrides and self.login_host == "localhost" and self.login_port == 3306
        over_tcp = f"protocol=tcp\nhost={setting(self.login_host)}\nport={self.login_port}"
        if self.login_unix_socket:
            where = f"base={word(f'socket={self.login_unix_socket}')}\n"
        else:
            own_tcp = "protocol=tcp" if place else over_tcp
            where = (
                f'case "\n$known" in\n*"\n"*socket*=*) base= ;;\n*) base={word(own_tcp)} ;;\nesac\n'
            )
        config = path_word(self.config_file) if self.config_file else "''"
        keys = _KEYS + ("host port " if place else "")
        first = word("[client]\nuser=root")
        return (
            f"{TOOLS}LC_ALL=C\nexport LC_ALL\numask 077\n{_FIND}config={config}\n"
            f"keys={word(keys)}\n{_CONFIGURED}{where}{self._secured()}{_CALL}"
            f"{_IMPLICIT if implicit else ''}"
            f'settings={first}"\n$known\n$base\n$own"\n'
        )

    def _secured(self) -> str:
        lines = []
        paths = (("ca", self.ca_cert), ("cert", self.client_cert), ("key", self.client_key))
        for name, path in paths:
            if path:
                lines.append(f'file={path_word(path)}\nbase="$base\nssl-{name}=$file"\n')
        checks = self.check_hostname if self.check_hostname is not None else bool(self.ca_cert)
        if checks:
            both = "loose-ssl-verify-server-cert\nloose-ssl-mode=VERIFY_IDENTITY"
            lines.append(f'base="$base\n{both}"\n')
        elif self.ca_cert:
            lines.append('base="$base\nloose-ssl-mode=VERIFY_CA"\n')
        return "".join(lines)

    def data(self, sql: Iterable[str] = ()) -> bytes:
        """Standard input of a script that begins with `prelude`: who logs in, then lines of SQL."""
        lines = []
        if self.login_user is not None:
            lines.append(f"user={setting(self.login_user)}")
        if self.login_password is not None:
            lines.append(f"password={setting(self.login_password)}")
        return "\n".join([*lines, "", *sql, ""]).encode("utf-8", "surrogateescape")

    def calling(self) -> str:
        """The words of a call whose answer `results` reads."""
        return f"my --xml --connect-timeout={self.connect_timeout}"


class MysqlModule(MysqlLogin, StateModule[Found]):
    """A module that brings something on a server into a state."""

    def steps(self, context: Context) -> Steps:
        """As ever; what the server refuses is told in its words."""
        how = self.inspect(context)
        answer = yield how.run()
        plan: Plan = self.plan(how.parse(answer), context)
        if plan.empty or context.check:
            return plan.result
        for request in plan.apply:
            given = yield request
            if isinstance(given, CommandResult) and not given.ok:
                raise refused(given)
        return plan.result

    def asking(
        self,
        sql: Sequence[str],
        effect: Effect = "changes",
        *,
        overrides: bool = False,
        implicit: bool = False,
    ) -> Run:
        """Have the client read SQL; see `prelude`."""
        script = f"{self.prelude(overrides, implicit)}{self.calling()}\n"
        return Run(script, self.data(sql), effect, environment=True)


def session(variables: Mapping[str, Any] | None, log_bin: bool = True) -> list[str]:
    """Statements that set variables of the session.

    Raises:
        ModuleError: one can't be called that.
    """
    made = [] if log_bin else ["SET SESSION sql_log_bin = 0;"]
    for name, value in (variables or {}).items():
        if not _VARIABLE.match(name):
            raise ModuleError(f"session_vars: {name!r} can't be the name of a variable")
        number = isinstance(value, (int, float))
        shown = str(int(value) if isinstance(value, bool) else value) if number else None
        made.append(f"SET SESSION {name} = {shown or literal(str(value), backslashes=True)};")
    return made


def words_of(answer: CommandResult) -> tuple[str, str]:
    """What the client said is wrong, and the error's number where it has one."""
    plain = _WARNING.sub("", said(text_of(answer.stderr))).strip()
    found = _ERROR.search(plain)
    if found is None:
        return plain, ""
    # In front of it, the client shows the statement.
    return plain[found.end() :].strip(), found["code"]


def refused(answer: CommandResult, what: str = "", **data: Any) -> ModuleError:
    """The error of a script that failed."""
    words, code = words_of(answer)
    if not words or not code:
        return ModuleError.of(answer, what)
    hint = f" ({_HINTS[code]})" if code in _HINTS else ""
    told = ": ".join(filter(None, (what, words)))
    return ModuleError(f"{told}{hint}", **data)


def results(answer: CommandResult) -> list[list[Row]]:
    """The rows of each result, of an answer in XML.

    Raises:
        ModuleError: the client failed, or the answer was cut off.
    """
    if not answer.ok:
        raise refused(answer)
    if answer.truncated:
        raise ModuleError("the server's answer is too much to be kept")
    return [_rows(each) for each in _RESULT.findall(answer.stdout)]


def _rows(body: bytes) -> list[Row]:
    rows: list[Row] = []
    row: list[tuple[str, str | None]] = []
    for found in _FIELD.finditer(body):
        if found[0] == b"</row>":
            rows.append(tuple(row))
            row = []
        else:
            value = None if found[2] is None else text_of(_plain(found[2]))
            row.append((text_of(_plain(found[1])), value))
    return rows


def _plain(text: bytes) -> bytes:
    return _ENTITY.sub(lambda found: _ENTITIES[found[0]], text)
