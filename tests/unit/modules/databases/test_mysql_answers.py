"""Tasks on MariaDB with what a real server answered to them, where there is none; and its SQL."""

from __future__ import annotations

import doctest
import json
from typing import Any

import pytest
from support.mysql import ANSWERS, RUNS, TASKS, cases, replayed

from opsrun.modules import registry
from opsrun.modules.base import ModuleError
from opsrun.modules.databases import mysql_quoting
from opsrun.modules.databases.mysql_privileges import Reading, changes, level_of
from opsrun.modules.databases.mysql_splitting import Unclear, statement
from opsrun.modules.describing import described

CASES = cases()


def test_every_task_is_kept() -> None:
    assert [(each["module"], each["args"]) for each in CASES] == TASKS


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['module']} {case['args']}"[:60])
def test_what_a_real_server_said(case: dict[str, Any]) -> None:
    found = registry.find(f"mysql_{case['module']}")
    assert found is not None
    known = {each.name for each in described(found).returns}
    state = case["args"].get("state", "present")
    for run in RUNS:
        if run in case:
            result = case[run]["result"]
            assert replayed(case, run) == result, run
            assert set(result) - known - {"changed", "failed", "msg", "rc"} == set()
    if case["module"] != "query" and state not in ("dump", "import"):
        assert not case["again"]["result"]["changed"]
        check, result = (case[run]["result"] for run in ("check", "result"))
        if not result.get("failed"):
            assert check["changed"] == result["changed"]


def test_passwords_are_in_no_result() -> None:
    shown = json.dumps([case[run]["result"] for case in CASES for run in RUNS if run in case])
    assert "sec ret" not in shown
    assert ANSWERS.read_text().count("sec ret") == 1


def test_the_examples() -> None:
    assert doctest.testmod(mysql_quoting).failed == 0


def test_privileges_are_the_same_however_they_are_written() -> None:
    reading = Reading()
    wanted = reading.wanted("d1.`x/y:z`:select(B, a), INSERT/*.*:replication client,GRANT")
    has = reading.granted(
        [
            "GRANT BINLOG MONITOR ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*A' WITH GRANT OPTION",
            "GRANT SELECT (`a`, `b`), INSERT ON `d1`.`x/y:z` TO `u`@`%`",
            "GRANT PROXY ON ''@'%' TO `u`@`%`",
            "GRANT `role` TO `u`@`%`",
        ]
    )
    assert wanted == has
    assert changes(has, wanted or {}, "exactly") == ([], [])
    assert str(level_of("procedure `a.b`.c")) == "PROCEDURE `a.b`.`c`"
    for bad in ("d1.*", "d1:SELECT", "d1.*:SEL;ECT", "d1.*:SELECT(a", 5):
        with pytest.raises(ModuleError):
            reading.wanted(bad)


def test_all_of_mysql_8_is_all() -> None:
    names = (
        "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, SHUTDOWN, PROCESS, FILE, "
        "REFERENCES, INDEX, ALTER, SHOW DATABASES, SUPER, CREATE TEMPORARY TABLES, LOCK TABLES, "
        "EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, "
        "ALTER ROUTINE, CREATE USER, EVENT, TRIGGER, CREATE TABLESPACE, CREATE ROLE, DROP ROLE"
    )
    lines = [f"GRANT {names} ON *.* TO `u`@`%` WITH GRANT OPTION",
             "GRANT BACKUP_ADMIN,XA_RECOVER_ADMIN ON *.* TO `u`@`%` WITH GRANT OPTION"]  # fmt: skip
    reading = Reading(mariadb=False)
    assert reading.granted(lines) == reading.wanted("*.*:ALL,GRANT")


@pytest.mark.parametrize(
    ("text", "backslashes", "fits"),
    [
        ("SELECT ';' AS `;` -- ;\n;", True, True),
        ("SELECT 1; -- end", True, True),
        ("SELECT 'a\\'", True, False),
        ("SELECT 'a\\'", False, True),
        ("SELECT 'a\\'; x'", True, True),
        ("SELECT 'a\\'; x'", False, False),
        ("SELECT 1 /* open", True, False),
        ("SELECT 1; DROP TABLE t", True, False),
        ("CREATE PROCEDURE p() BEGIN SELECT 1; END", True, True),
        ("  ", True, False),
    ],
)
def test_one_whole_statement(text: str, backslashes: bool, fits: bool) -> None:
    if fits:
        statement(text, backslashes)
    else:
        with pytest.raises(Unclear):
            statement(text, backslashes)
