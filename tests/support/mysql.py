"""A MariaDB server in a machine that is thrown away, tasks for it, and what it answered.

What the client answered to each task is kept in ``tests/cases/mysql``, so that the tasks are also
carried out where there is no server: `recorded` and `replayed`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from typing import Any
from unittest import mock

from support import disposable
from support.module_cases import CASES
from support.postgresql import Recording

from opsrun.modules import registry
from opsrun.modules.base import Context
from opsrun.modules.databases import mysql_query
from opsrun.modules.driver import drive
from opsrun.modules.options import resolve
from opsrun.remote.command import CommandResult

ANSWERS = CASES / "mysql/answers.json"
SOCKET = "/run/mysqld/mysqld.sock"

START = r"""
set -e
cd /
mkdir -p /srv/my /run/mysqld
chown mysql /srv/my /run/mysqld
rm -f /root/.my.cnf
mariadb-install-db --no-defaults --user=mysql --datadir=/srv/my/data --skip-test-db \
  --auth-root-authentication-method=normal >/srv/log 2>&1
cat >/srv/my/my.cnf <<'X'
[mariadbd]
datadir=/srv/my/data
socket=/run/mysqld/mysqld.sock
user=mysql
bind-address=127.0.0.1
general_log=1
general_log_file=/srv/my/general.log
innodb_flush_log_at_trx_commit=0
innodb_buffer_pool_size=16M
pid-file=/run/mysqld/mysqld.pid
log_error=/srv/my/error.log
X
chown -R mysql /srv/my
setsid mariadbd --defaults-file=/srv/my/my.cnf >/dev/null 2>&1 </dev/null &
n=0
until mariadb-admin --no-defaults -uroot -S /run/mysqld/mysqld.sock ping >/dev/null 2>&1; do
  n=$((n + 1))
  [ "$n" -lt 300 ] || exit 1
  sleep 0.1
done
"""

HARD = 'it\'s a \\ "b" \t\n\r `x` \\q $1 %s -- /* é\u200b𝄞 \x1a \\'
"""A text with all that means something to SQL, the client or a shell."""

TASKS: list[tuple[str, dict[str, Any]]] = [
    ("db", {"name": ["d1", "d_2"], "encoding": "utf8mb4", "collation": "utf8mb4_bin"}),
    ("db", {"name": "a`b.c"}),
    ("db", {"name": "a`b.c", "state": "absent"}),
    ("db", {"name": "d3", "encoding": "nosuch"}),
    ("db", {"name": "d1", "login_user": "nosuch", "login_password": "wrong"}),
    ("query", {"login_db": "d1",
               "query": "CREATE TABLE t (a int, b text, n decimal(5,2), z date)"}),
    ("query", {"login_db": "d1", "query": "INSERT INTO t VALUES (%s, %s, 1.50, '2020-01-02')",
               "positional_args": [1, HARD]}),
    ("query", {"login_db": "d1", "query": "SELECT * FROM t WHERE b = %(b)s",
               "named_args": {"b": HARD}}),
    ("query", {"query": ["SELECT 1 AS a, NULL AS b, 'NULL' AS c, '7' AS d, 1 AS a", "SET @x = 4",
                         "SELECT @x + 1 AS y"]}),
    ("query", {"query": "SELECT %s AS h", "positional_args": ["a\\b'c"],
               "session_vars": {"sql_mode": "NO_BACKSLASH_ESCAPES,ANSI_QUOTES"}}),
    ("query", {"login_db": "d1", "query": ["UPDATE t SET a = 2", "UPDATE t SET a = 2"]}),
    ("query", {"login_db": "d1", "query": ["DELETE FROM t", "SELECT * FROM nosuch"],
               "single_transaction": True}),
    ("query", {"query": "SELECT 'open"}),
    ("query", {"query": "SELECT 1; SELECT 2"}),
    ("query", {"login_db": "nosuch", "query": "SELECT 1"}),
    ("query", {"login_db": "d1", "query": "CREATE PROCEDURE p() BEGIN SELECT 1 AS a; END"}),
    ("query", {"login_db": "d1", "query": "CALL p()"}),
    ("user", {"name": "ann", "host": "%", "password": "sec ret'ä\\", "priv": "d1.*:ALL"}),
    ("user", {"name": "ann", "host": "%", "priv": "d1.*:SELECT, INSERT/d\\_%.*:ALL,GRANT"}),
    ("user", {"name": "ann", "host": "%", "priv": "d1.*:UPDATE", "append_privs": True}),
    ("user", {"name": "ann", "host": "%", "priv": {"d_2.*": "X"}, "subtract_privs": True}),
    ("user", {"name": "ann", "host": "%", "priv": {"d1.*": "SELECT"}, "subtract_privs": True}),
    ("user", {"name": "ann", "host": "%", "priv": {"d1.t": "SELECT (b, a), UPDATE(a)",
                                                   "PROCEDURE d1.p": "EXECUTE,GRANT"}}),
    ("user", {"name": "ann", "host": "%", "priv": "*.*:REPLICATION CLIENT,SUPER"}),
    ("user", {"name": "ann", "host": "%", "priv": "d1.nosuch:SELECT"}),
    ("user", {"name": "ann", "host": "%", "priv": "*.*:SELECT,REQUIRESSL"}),
    ("user", {"name": "ann", "host": "h", "password": "", "update_password": "on_new_username"}),
    ("user", {"name": "ann", "host_all": True, "password": "*" + 40 * "A", "encrypted": True}),
    ("user", {"name": "ann", "host": "h", "tls_requires": {"subject": "/CN=a", "cipher": "X"},
              "resource_limits": {"max_user_connections": 3}, "locked": True}),
    ("user", {"name": "ann", "host": "h", "password_expire": "interval",
              "password_expire_interval": 9}),
    ("user", {"name": "ann", "host": "h", "resource_limits": {"MAX_QUERY": 3}}),
    ("user", {"name": "ann", "host": "h", "plugin": "unix_socket"}),
    ("user", {"name": HARD[:20], "password": HARD}),
    ("user", {"name": HARD[:20], "state": "absent"}),
    ("user", {"name": "ann", "host_all": True, "state": "absent"}),
    ("user", {"name": "ann", "host_all": True}),
    ("user", {"name": "any", "host": "", "password": ""}),
    ("user", {"name": "any", "host": "%", "password_expire": "now"}),
    ("user", {"name": "any", "host": "", "password_expire": "never"}),
    ("user", {"name": "any", "host": "", "password_expire": "interval",
              "password_expire_interval": 7}),
    ("user", {"name": "any", "host": "", "password_expire": "default"}),
    ("user", {"name": "any", "host": "", "password_expire": "now"}),
    ("user", {"name": "any", "host": "", "state": "absent"}),
    ("db", {"name": "d1", "state": "dump", "target": "/srv/it's.sql.gz"}),
    ("db", {"name": "nosuch", "state": "dump", "target": "/srv/x.sql"}),
    ("db", {"name": "new", "state": "import", "target": "/srv/it's.sql.gz"}),
    ("db", {"name": "new", "state": "import", "target": "/srv/none.sql"}),
    ("db", {"name": "all", "state": "dump", "target": "/srv/all.sql.xz",
            "single_transaction": True}),
    ("db", {"name": ["d1", "d_2", "new"], "state": "absent"}),
]  # fmt: skip
"""In order, on one server."""

RUNS = ("check", "result", "again")


class _Replaying:
    def __init__(self, answers: list[Mapping[str, Any]]) -> None:
        self._left = list(answers)

    def run(self, request: Any) -> CommandResult:
        told = self._left.pop(0)
        return CommandResult(
            told["rc"], stdout=told["stdout"].encode(), stderr=told["stderr"].encode()
        )


def done(hands: Any, module: str, args: Mapping[str, Any], check: bool) -> dict[str, Any]:
    """The result of a task."""
    found = registry.find(f"mysql_{module}")
    assert found is not None
    login = {"login_unix_socket": SOCKET, "login_user": "root"}
    context = Context(None, check=check, diff=True)  # type: ignore[arg-type]
    with mock.patch.object(mysql_query, "new_mark", return_value="opsrun-mark"):
        return drive(resolve(found, {**login, **args}), context, hands).to_dict()


def recorded(hands: Any) -> list[dict[str, Any]]:
    """All tasks, each with what was answered and what it came to."""
    made = []
    for module, args in TASKS:
        case: dict[str, Any] = {"module": module, "args": args}
        for run in RUNS:
            if run == "check" and module == "query":
                continue
            recording = Recording(hands)
            result = done(recording, module, args, run == "check")
            case[run] = {"answers": recording.answers, "result": result}
        made.append(case)
    return made


def replayed(case: Mapping[str, Any], run: str) -> dict[str, Any]:
    """What a task comes to, with the answers that were kept."""
    return done(_Replaying(case[run]["answers"]), case["module"], case["args"], run == "check")


def cases() -> list[dict[str, Any]]:
    """What is kept."""
    found: list[dict[str, Any]] = json.loads(ANSWERS.read_text(encoding="utf-8"))
    return found


def obstacle() -> str | None:
    """Why there can be no server; None when nothing is in the way."""
    if shutil.which("mariadbd", path="/usr/sbin:/usr/bin") is None:
        return "there is no MariaDB server: its answers are replayed (Debian: mariadb-server)"
    reason = disposable.obstacle()
    return reason and f"no disposable machine: {reason}"
