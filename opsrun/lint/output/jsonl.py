"""For programs: a JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator

from opsrun.lint.run import LintReport


def lines(report: LintReport) -> Iterator[str]:
    """One line a problem, then one with the counts."""
    for each in report.problems:
        yield _json(
            {
                "type": "problem",
                "path": each.path,
                "line": each.line,
                "column": each.column,
                "end_column": each.column + each.length,
                "rule": each.rule,
                "severity": each.severity,
                "message": each.message,
                "fixable": bool(each.edits),
            }
        )
    yield _json(
        {
            "type": "summary",
            "files": sum(report.files.values()),
            "encrypted": len(report.sealed),
            "errors": report.count("error"),
            "warnings": report.count("warning"),
            "hints": report.count("hint"),
        }
    )


def _json(data: dict[str, object]) -> str:
    return json.dumps(data, ensure_ascii=False)
