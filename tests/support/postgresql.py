"""A PostgreSQL server in a machine that is thrown away, tasks for it, and what it answered.

What the server's programs answered to each task is kept in ``tests/cases/postgresql``, so that the
tasks are also carried out where there is no server: `recorded` and `replayed`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

from support import disposable
from support.module_cases import CASES

from opsrun.modules import registry
from opsrun.modules.base import Context
from opsrun.modules.databases import postgresql_query
from opsrun.modules.driver import drive
from opsrun.modules.options import resolve
from opsrun.remote.command import CommandResult

ANSWERS = CASES / "postgresql/answers.json"

START = r"""
set -e
cd /
bin=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
mkdir -p /srv/pg /run/postgresql
chown postgres /srv/pg /run/postgresql
as() { setpriv --reuid postgres --regid postgres --init-groups env HOME=/tmp "$@"; }
as "$bin/initdb" -D /srv/pg/data -A trust --no-sync -E UTF8 --locale=C >/dev/null
cat >>/srv/pg/data/postgresql.conf <<'X'
log_statement = all
fsync = off
timezone = 'UTC'
X
echo 'local all ann scram-sha-256' >/srv/pg/hba
cat /srv/pg/data/pg_hba.conf >>/srv/pg/hba
cat /srv/pg/hba >/srv/pg/data/pg_hba.conf
options='-c unix_socket_directories=/run/postgresql -c listen_addresses='
as "$bin/pg_ctl" -D /srv/pg/data -o "$options" -l /srv/pg/log -w start >/dev/null
"""

HARD = "it's a \\ \"b\" \t\n\r :x :'x' \\q $1 %s -- /* é\u200b𝄞"
"""A text with all that means something to SQL, psql or a shell."""

TASKS: list[tuple[str, dict[str, Any]]] = [
    ("query", {"query": "CREATE TABLE t (i int, x text)"}),
    ("query", {"query": "INSERT INTO t VALUES (%s, %s) RETURNING *", "positional_args": [1, HARD]}),
    ("query", {"query": "SELECT * FROM t WHERE x = %(x)s", "named_args": {"x": HARD}}),
    ("query", {"query": ["SELECT 1 AS a, NULL AS b, '' AS c", "DELETE FROM t WHERE i = 9"]}),
    ("query", {"query": "UPDATE t SET x = 'q'; SELECT count(*) FROM t -- ; \\q"}),
    ("query", {"query": "SELECT (ARRAY[1,2,3])[1:2] AS s, '{\"a\": [1]}'::json AS j, 1.5 AS n"}),
    ("query", {"query": "VACUUM t", "autocommit": True}),
    ("query", {"query": "VACUUM t"}),
    ("query", {"query": "SELECT * FROM nosuch"}),
    ("query", {"query": "COMMIT"}),
    ("query", {"query": "SELECT 1", "login_db": "nosuch"}),
    ("query", {"query": "SELECT 1", "login_user": "nosuch"}),
    ("query", {"query": "SELECT 1", "port": 5999}),
    ("user", {"name": "ann", "password": "sec ret'ä"}),
    ("query", {"query": "SELECT 1", "login_user": "ann", "login_password": "wrong"}),
    ("query", {"query": "SELECT current_user AS u", "login_user": "ann",
               "login_password": "sec ret'ä", "login_db": "postgres"}),
    ("user", {"name": "ann", "password": "md5" + 32 * "a"}),
    ("user", {"name": "ann", "password": ""}),
    ("user", {"name": "ann", "role_attr_flags": "CREATEDB,NOSUPERUSER"}),
    ("user", {"name": "ann", "role_attr_flags": "CREATEBD"}),
    ("user", {"name": "ann", "expires": "2030-01-02", "conn_limit": 5, "comment": HARD}),
    ("user", {"name": "ann", "expires": "some day"}),
    ("user", {"name": "ann", "configuration": {"work_mem": "16MB"}}),
    ("user", {"name": "ann", "configuration": {"search_path": 'a, "b', "x.y": "a'b"}}),
    ("user", {"name": "ann", "configuration": {"search_path": ""}}),
    ("user", {"name": "ann", "reset_unspecified_configuration": True}),
    ("user", {"name": "ann", "priv": "CONNECT/CREATE/t:SELECT,INSERT", "login_db": "postgres"}),
    ("user", {"name": "ann", "priv": "nosuch:SELECT", "login_db": "postgres"}),
    ("user", {"name": "ann", "state": "absent"}),
    ("user", {"name": "ann", "state": "absent", "fail_on_user": False}),
    ("db", {"name": "d", "owner": "nosuch"}),
    ("db", {"name": "d", "owner": "ann", "encoding": "UTF-8", "template": "template0",
            "conn_limit": "5", "comment": "it's"}),
    ("db", {"name": "d", "encoding": "LATIN1"}),
    ("db", {"name": "d", "owner": "postgres", "conn_limit": "7"}),
    ("db", {"name": "postgres", "state": "dump", "target": "/srv/p.sql.gz"}),
    ("db", {"name": "postgres", "state": "dump", "target": "/srv/p.pgc"}),
    ("db", {"name": "nosuch", "state": "dump", "target": "/srv/p.sql.gz"}),
    ("db", {"name": "d", "state": "restore", "target": "/srv/p.sql.gz"}),
    ("db", {"name": "d", "state": "restore", "target": "/srv/p.pgc"}),
    ("db", {"name": "d", "state": "restore", "target": "/srv/none.sql"}),
    ("db", {"name": "d", "state": "rename", "target": "e"}),
    ("db", {"name": "e", "state": "absent", "force": True}),
    ("user", {"name": "ann", "state": "absent", "priv": "ALL/t:ALL", "login_db": "postgres"}),
    ("query", {"query": "DROP TABLE t"}),
]  # fmt: skip
"""In order, on one server."""

RUNS = ("check", "result", "again")
_NUMBERS = re.compile(r"\d+\.\d+")


class Recording:
    """Hands that keep every answer."""

    def __init__(self, hands: Any) -> None:
        self._hands = hands
        self.answers: list[dict[str, Any]] = []

    def run(self, request: Any) -> CommandResult:
        """See `Hands.run`."""
        answer: CommandResult = self._hands.run(request)
        streams = {"stdout": answer.stdout.decode(), "stderr": answer.stderr.decode()}
        self.answers.append({"rc": answer.rc, **streams})
        return answer


class _Replaying:
    def __init__(self, answers: list[Mapping[str, Any]]) -> None:
        self._left = list(answers)

    def run(self, request: Any) -> CommandResult:
        told = self._left.pop(0)
        streams = {name: told[name].encode() for name in ("stdout", "stderr")}
        return CommandResult(told["rc"], **streams)


def done(hands: Any, module: str, args: Mapping[str, Any], check: bool) -> dict[str, Any]:
    """The result of a task, without times."""
    found = registry.find(f"postgresql_{module}")
    assert found is not None
    context = Context(None, check=check, diff=True)  # type: ignore[arg-type]
    with mock.patch.object(postgresql_query, "new_mark", return_value="opsrun-mark"):
        result = drive(resolve(found, args), context, hands).to_dict()
    if "execution_time_ms" in result:
        result["execution_time_ms"] = [0.0 for _ in result["execution_time_ms"]]
    return result


def recorded(hands: Any) -> list[dict[str, Any]]:
    """All tasks, each with what was answered and what it came to."""
    made = []
    for module, args in TASKS:
        case: dict[str, Any] = {"module": module, "args": args}
        for run in RUNS:
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
    if not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        return "there is no PostgreSQL server: its answers are replayed (Debian: postgresql)"
    reason = disposable.obstacle()
    return reason and f"no disposable machine: {reason}"
