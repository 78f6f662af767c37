"""What is secret is never shown: not in messages, excerpts, SARIF or diffs."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsrun.lint.output import jsonl, sarif, text
from opsrun.lint.run import Options, fix, lint

VALUE = "hunter2-Zq81"
BODY = "QUJD" * 16


def everything(top: Path, options: Options) -> str:
    shown: list[str] = []
    report, _ = fix([str(top)], options, show=shown.append)
    parts = (*text.lines(report), *jsonl.lines(report), sarif.document(report), *shown)
    return "\n".join(parts)


@pytest.mark.parametrize(
    "options", [Options(), Options(rules=("truthy",)), Options(skip=("clear-secret",))]
)
def test_a_password_is_not_shown(tmp_path: Path, options: Options) -> None:
    (tmp_path / "opsrun.toml").touch()
    play = f"- hosts: all\n  vars: {{a: yes, db_password: {VALUE}, b: no}}\n  become: yes\n"
    (tmp_path / "site.yml").write_text(play)
    found = everything(tmp_path, options)
    assert VALUE not in found
    assert "truthy" in found


def test_a_secret_of_several_lines_is_not_shown(tmp_path: Path) -> None:
    folder = tmp_path / "group_vars"
    folder.mkdir()
    key = f"-----BEGIN PRIVATE KEY-----\n  {BODY}\n  {BODY}\n  -----END PRIVATE KEY-----"
    (folder / "all.yml").write_text(
        f"x: yes\nk: |\n  {key}\nt_token: |\n  {VALUE}\n  {VALUE}\ny: no\n"
    )
    found = everything(tmp_path, Options())
    assert VALUE not in found
    assert BODY not in found
    assert "private-key" in found


def test_the_message_names_the_key_alone(tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text(f"- hosts: all\n  vars:\n    db_password: {VALUE}\n")
    (problem,) = lint([str(tmp_path)]).problems
    assert (problem.rule, problem.line, problem.column) == ("clear-secret", 3, 5)
    assert "'db_password'" in problem.message
