"""Tasks on PostgreSQL with what a real server answered to them, where there is none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.postgresql import ANSWERS, RUNS, TASKS, cases, replayed

from opsrun.modules import registry
from opsrun.modules.databases import dumping
from opsrun.modules.describing import described

CASES = cases()


def test_every_task_is_kept() -> None:
    assert [(each["module"], each["args"]) for each in CASES] == TASKS


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['module']} {case['args']}"[:60])
def test_what_a_real_server_said(case: dict[str, Any]) -> None:
    for run in RUNS:
        assert replayed(case, run) == case[run]["result"], run


def test_results_have_no_key_that_is_not_described() -> None:
    for case in CASES:
        found = registry.find(f"postgresql_{case['module']}")
        assert found is not None
        known = {each.name for each in described(found).returns}
        for run in RUNS:
            assert set(case[run]["result"]) - known - {"warnings"} == set()


def test_a_role_is_granted_what_every_role_may_do_today() -> None:
    [case] = [each for each in CASES if each["args"].get("priv", "").startswith("CONNECT/")]
    granted = case["result"]["result"]["queries"][0]
    assert granted.startswith("GRANT CONNECT, CREATE ON DATABASE"), granted


def test_state_modules_find_nothing_left_to_do() -> None:
    tried = 0
    for case in CASES:
        state = case["args"].get("state", "present")
        if case["module"] == "query" or state in ("dump", "restore"):
            continue
        again = case["again"]["result"]
        tried += 1
        assert not again["changed"], case["args"]
    assert tried > 15


def test_check_mode_says_what_happens() -> None:
    for case in CASES:
        check, result = (case[run]["result"] for run in ("check", "result"))
        if not result.get("failed") and not check.get("failed") and "warnings" not in result:
            assert check["changed"] == result["changed"], case["args"]


def test_passwords_are_in_no_result() -> None:
    shown = json.dumps([case[run]["result"] for case in CASES for run in RUNS])
    assert "sec ret" not in shown
    assert "SCRAM-SHA-256$" not in shown
    assert "sec ret" not in ANSWERS.read_text().replace('"password": "sec ret', "").replace(
        '"login_password": "sec ret', ""
    )


def test_a_directory_can_not_be_packed() -> None:
    with pytest.raises(Exception, match="can't be packed with gzip"):
        dumping.dump("x", "/y.dir.gz", "")
