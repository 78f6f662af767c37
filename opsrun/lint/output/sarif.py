"""For code scanning: SARIF 2.1.0 (OASIS Standard, 27 March 2020)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from opsrun.lint.catalog import RULES
from opsrun.lint.problem import Problem
from opsrun.lint.run import LintReport
from opsrun.version import __version__

_LEVELS = {"error": "error", "warning": "warning", "hint": "note"}
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def document(report: LintReport) -> str:
    """The whole log."""
    names = sorted({problem.rule for problem in report.problems})
    places = {name: number for number, name in enumerate(names)}
    run = {
        "tool": {
            "driver": {
                "name": "opsrun lint",
                "version": __version__,
                "rules": [_rule(name) for name in names],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": [_result(problem, places[problem.rule]) for problem in report.problems],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(name: str) -> dict[str, Any]:
    rule = RULES[name]
    return {
        "id": name,
        "shortDescription": {"text": rule.about},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _result(problem: Problem, index: int) -> dict[str, Any]:
    region = {
        "startLine": problem.line,
        "startColumn": problem.column,
        "endColumn": problem.column + problem.length,
    }
    uri = quote(problem.path.replace("\\", "/"))
    place = {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}
    return {
        "ruleId": problem.rule,
        "ruleIndex": index,
        "level": _LEVELS[problem.severity],
        "message": {"text": problem.message},
        "locations": [place],
    }
