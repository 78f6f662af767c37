"""``opsrun lint`` as it is typed."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from opsrun.cli.lint import lint
from opsrun.errors import UsageError
from opsrun.lint.catalog import RULES

DOCS = Path(__file__).parents[3] / "docs" / "lint.md"
SITE = "- hosts: all  # everybody\n  become: yes\n  tasks:\n    - pign:\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "site.yml").write_text(SITE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> Result:
    found = CliRunner().invoke(lint, words)
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found


def test_problems_are_shown_with_their_lines_and_carets(folder: Path) -> None:
    done = run("site.yml")
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "site.yml:2:11: hint: yes is true: write that [truthy]",
        "    become: yes",
        "            ^^^",
        "site.yml:4:7: error: nobody knows a module 'pign'; did you mean 'ping'? [unknown-module]",
        "      - pign:",
        "        ^^^^",
    ]
    assert done.stderr == "opsrun lint: 1 error, 1 hint; read 1 file: 1 playbook\n"


def test_the_exit_status(folder: Path) -> None:
    assert run("site.yml", "--rule", "truthy").exit_code == 0
    assert run("site.yml", "--rule", "truthy", "--strict").exit_code == 1
    assert run("site.yml", "-q", "--skip", "unknown-module").stdout == ""
    assert run("site.yml", "-o", "xml").exit_code == 2
    for words in ((), ("nowhere.yml",), ("site.yml", "--rule", "nothing")):
        with pytest.raises(UsageError):
            run(*words)


def test_diff_shows_and_fix_writes(folder: Path) -> None:
    site = folder / "site.yml"
    site.chmod(0o640)
    shown = run("site.yml", "--diff")
    assert "-  become: yes" in shown.stdout.splitlines()
    assert "+  become: true" in shown.stdout.splitlines()
    assert site.read_text() == SITE

    done = run("site.yml", "--fix")
    assert site.read_text() == SITE.replace("yes", "true")
    assert stat.S_IMODE(site.stat().st_mode) == 0o640
    assert (done.exit_code, "fixed 1 problem" in done.stderr) == (1, True)
    assert sorted(path.name for path in folder.iterdir()) == ["site.yml"]


def test_fix_keeps_ends_of_lines_marks_and_links(folder: Path) -> None:
    real = folder / "real.yml"
    real.write_bytes(b"\xef\xbb\xbf- hosts: all\r\n  become: yes\r\n")
    (folder / "link.yml").symlink_to("real.yml")
    run("link.yml", "--fix")
    assert real.read_bytes() == b"\xef\xbb\xbf- hosts: all\r\n  become: true\r\n"
    assert (folder / "link.yml").is_symlink()


def test_jsonl(folder: Path) -> None:
    lines = [json.loads(line) for line in run("site.yml", "-o", "jsonl").stdout.splitlines()]
    assert [line["type"] for line in lines] == ["problem", "problem", "summary"]
    assert lines[0] == {
        "type": "problem",
        "path": "site.yml",
        "line": 2,
        "column": 11,
        "end_column": 14,
        "rule": "truthy",
        "severity": "hint",
        "message": "yes is true: write that",
        "fixable": True,
    }
    assert (lines[-1]["errors"], lines[-1]["hints"], lines[-1]["files"]) == (1, 1, 1)


def test_sarif_has_all_that_the_standard_requires(folder: Path) -> None:
    (folder / "a b.yml").write_text(SITE)
    log = json.loads(run(".", "-o", "sarif").stdout)
    assert log["version"] == "2.1.0"
    (found,) = log["runs"]
    driver = found["tool"]["driver"]
    assert driver["name"] == "opsrun lint"
    ids = [rule["id"] for rule in driver["rules"]]
    assert ids == sorted(set(ids))
    assert found["results"]
    for result in found["results"]:
        assert result["message"]["text"]
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in {"error", "warning", "note"}
        (place,) = result["locations"]
        where = place["physicalLocation"]
        assert where["artifactLocation"]["uri"] in {"site.yml", "a%20b.yml"}
        region = where["region"]
        assert region["startLine"] >= 1
        assert region["endColumn"] > region["startColumn"] >= 1


def test_a_clean_project_says_so(folder: Path) -> None:
    (folder / "site.yml").write_text("- hosts: all\n  tasks:\n    - ping:\n")
    done = run(".")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "opsrun lint: nothing to say; read 1 file: 1 playbook\n"


def test_the_rules_are_listed_and_documented() -> None:
    listed = [line.split()[0] for line in run("--rules").stdout.splitlines()]
    assert listed == list(RULES)
    text = DOCS.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w-]+)` \| (\w+) \|", text, re.M)
    assert rows == [(rule.name, rule.severity) for rule in RULES.values()]


def test_control_characters_are_not_printed(folder: Path) -> None:
    (folder / "site.yml").write_text('- hosts: all\n  "\\e[31mx": 1\n')
    assert "\x1b" not in run("site.yml").stdout
