"""Every rule on cases that are files: what fires, what doesn't, and what ``--fix`` makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from opsrun.lint.catalog import RULES
from opsrun.lint.run import Options, fix, lint

CASES = Path(__file__).parents[2] / "cases" / "lint"
PATHS = sorted(CASES.glob("*/*.yml"))


def written(case: dict[str, Any], top: Path) -> None:
    (top / "opsrun.toml").touch()
    for name, text in case["files"].items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def told(rule: str) -> list[str]:
    found = lint(["."], Options(rules=(rule,))).problems
    return [f"{each.path}:{each.line}:{each.column}: {each.message}" for each in found]


@pytest.mark.parametrize("path", PATHS, ids=[f"{p.parent.name}/{p.stem}" for p in PATHS])
def test_a_rule_says_what_its_case_expects(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    written(case, tmp_path)
    monkeypatch.chdir(tmp_path)
    rule = path.parent.name
    assert told(rule) == case["problems"]

    fix(["."], Options(rules=(rule,)))
    after = {name: (tmp_path / name).read_text(encoding="utf-8") for name in case["files"]}
    assert after == {**case["files"], **case.get("fixed", {})}
    assert fix(["."], Options(rules=(rule,)))[1] == 0


def test_every_rule_has_a_case_that_fires_and_one_that_does_not() -> None:
    fires: dict[str, set[bool]] = {}
    for path in PATHS:
        case = yaml.safe_load(path.read_text(encoding="utf-8"))
        fires.setdefault(path.parent.name, set()).add(bool(case["problems"]))
    assert fires == {name: {True, False} for name in RULES}


def test_every_rule_that_claims_a_correction_has_a_case_of_it() -> None:
    fixed = {
        path.parent.name
        for path in PATHS
        if yaml.safe_load(path.read_text(encoding="utf-8")).get("fixed")
    }
    assert fixed == {rule.name for rule in RULES.values() if rule.fixed}
