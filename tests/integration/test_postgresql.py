"""A real PostgreSQL server in a machine that is thrown away; elsewhere its answers are replayed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import disposable
from support.machine_cases import inside
from support.postgresql import HARD, RUNS, START, TASKS, done, obstacle, recorded, replayed
from support.shells import SHELLS, shared_shells

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[disposable.Machine]:
    if reason := obstacle():
        pytest.skip(reason)
    with disposable.machine(tmp_path_factory.mktemp("postgresql") / "box", START) as made:
        yield made


def _texts() -> list[str]:
    chosen = random.Random(1)
    letters = "'\"\\$:%;{},-/*()\n\r\t\x01\x7f aéß𝄞\u2028\ufeffEeUu&qx1"
    return [HARD, "", *("".join(chosen.choices(letters, k=24)) for _ in range(300))]


def test_the_tasks(box: disposable.Machine, tmp_path: Path) -> None:
    with inside(box, tmp_path) as host:
        made = recorded(host.hands)
    assert len(made) == len(TASKS)
    for case in made:
        for run in RUNS:
            assert replayed(case, run) == case[run]["result"], case["args"]
        if case["module"] != "query" and case["args"].get("state") not in ("dump", "restore"):
            assert not case["again"]["result"]["changed"], case["args"]
    log = box.sh("cat /srv/pg/log")
    assert "SCRAM-SHA-256$" in log
    assert "sec ret" not in log
    assert box.sh("ls /srv | grep part || :") == ""
    assert b"PostgreSQL database dump complete" in box.run("gzip", "-dc", "/srv/p.sql.gz").stdout


def test_any_text_goes_in_and_comes_back(box: disposable.Machine, tmp_path: Path) -> None:
    texts = _texts()
    with inside(box, tmp_path) as host:
        places = ", ".join(f"%s AS c{number}" for number in range(len(texts)))
        args = {"query": f"SELECT {places}", "positional_args": texts}
        [row] = done(host.hands, "query", args, check=False)["query_result"]
        assert list(row.values()) == texts
        args = {"query": "SELECT %s::text[] AS t", "positional_args": [texts]}
        assert done(host.hands, "query", args, check=False)["query_result"] == [{"t": texts}]
        name = HARD.replace("é\u200b𝄞", "é")
        for state, removed in (("present", False), ("absent", True)):
            for changed in (True, False):
                args = {"name": name, "state": state, "password": "x"}
                result = done(host.hands, "user", args, check=False)
                assert result["changed"] is changed, result
            assert result.get("user_removed", False) is False or removed


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell(box: disposable.Machine, shell: str, tmp_path: Path) -> None:
    words = shared_shells(shell, "system").words
    with inside(box, tmp_path, words) as host:
        args = {"name": "us", "password": HARD.replace("\n", "")}
        assert host.run("postgresql_user", args)["changed"]
        assert not host.run("postgresql_user", args)["changed"]
        for name in ("/srv/it's.sql.xz", "/srv/it's.tar"):
            for state in ("dump", "restore"):
                args = {"name": "postgres", "state": state, "target": name}
                assert host.run("postgresql_db", {**args, "session_role": "postgres"})["rc"] == 0
        failed = host.run("postgresql_db", {"name": "no", "state": "dump", "target": "/srv/x.gz"})
        assert '"no" does not exist' in failed["msg"]
        assert host.run("postgresql_user", {"name": "us", "state": "absent"})["changed"]
