"""A real MariaDB server in a machine that is thrown away; elsewhere its answers are replayed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import disposable
from support.machine_cases import inside
from support.mysql import HARD, RUNS, SOCKET, START, TASKS, done, obstacle, recorded, replayed
from support.shells import SHELLS, shared_shells

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[disposable.Machine]:
    if reason := obstacle():
        pytest.skip(reason)
    with disposable.machine(tmp_path_factory.mktemp("mysql") / "box", START) as made:
        yield made


def test_the_tasks(box: disposable.Machine, tmp_path: Path) -> None:
    with inside(box, tmp_path) as host:
        made = recorded(host.hands)
    assert len(made) == len(TASKS)
    for case in made:
        for run in RUNS:
            if run in case:
                assert replayed(case, run) == case[run]["result"], case["args"]
        if case["module"] != "query" and case["args"].get("state") not in ("dump", "import"):
            assert not case["again"]["result"]["changed"], case["args"]
    assert "sec ret" not in box.sh("cat /srv/my/general.log")
    assert box.sh("ls /srv | grep part || :") == ""


def test_any_text_goes_in_and_comes_back(box: disposable.Machine, tmp_path: Path) -> None:
    chosen = random.Random(1)
    letters = "'\"\\$:%;{},-/*()\n\t\x01\x1a`# aéß𝄞\u2028qx1&<>"
    texts = [
        HARD.replace("\r", ""),
        "",
        *("".join(chosen.choices(letters, k=24)) for _ in range(200)),
    ]
    places = ", ".join(f"%s AS c{number}" for number in range(len(texts)))
    with inside(box, tmp_path) as host:
        for mode in ("ANSI_QUOTES", "NO_BACKSLASH_ESCAPES"):
            args = {"query": f"SELECT {places}", "positional_args": texts}
            result = done(host.hands, "query", {**args, "session_vars": {"sql_mode": mode}}, False)
            assert list(result["query_result"][0][0].values()) == texts


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell(box: disposable.Machine, shell: str, tmp_path: Path) -> None:
    login = {"login_unix_socket": SOCKET, "login_user": "root"}
    with inside(box, tmp_path, shared_shells(shell, "system").words) as host:
        assert host.run("mysql_user", {**login, "name": "us", "password": HARD})["changed"]
        own = {"login_user": "us", "login_password": HARD, "login_unix_socket": SOCKET}
        told = host.run("mysql_query", {**own, "query": "SELECT 4 AS n, CURRENT_USER() AS u"})
        assert told["query_result"] == [[{"n": 4, "u": "us@localhost"}]]
        dump = {**login, "name": "mysql", "state": "dump", "target": "/srv/it's.sql.xz"}
        assert host.run("mysql_db", dump)["changed"]
        assert host.run("mysql_db", {**dump, "name": "copy", "state": "import"})["changed"]
        gone = {**login, "name": "copy", "state": "absent", "check_implicit_admin": True}
        assert host.run("mysql_db", gone)["changed"]
        assert host.run("mysql_user", {**login, "name": "us", "state": "absent"})["changed"]
