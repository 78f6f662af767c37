"""``opsrun report`` of runs that the command itself wrote down."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path
from xml.etree import ElementTree

import pytest
from support.cli import opsrun

SITE = """
- name: base
  hosts: all
  gather_facts: false
  tasks:
    - name: motd
      copy: {content: "hello\\n", dest: "{{ folder }}/{{ inventory_hostname }}"}
      diff: true
    - name: fails on one
      shell: "echo sorry >&2; exit 3"
      when: inventory_hostname == 'web02'
"""


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a playbook on two machines that are this one, and a command on them after that."""
    folder = tmp_path_factory.mktemp("reported")
    (folder / "inventory").write_text("[all:vars]\nansible_connection=local\n[web]\nweb01\nweb02\n")
    (folder / "site.yml").write_text(SITE)
    path = folder / "journal"
    known = ("-i", folder / "inventory", "--journal", path)
    played = opsrun("playbook", *known, "-e", f"folder={folder}", folder / "site.yml")
    assert played.status == 1, played.err
    ran = opsrun("exec", *known, "--hosts", "web", "--", "echo it is fine")
    assert ran.status == 0, ran.err
    return path


def test_every_format_in_one_call(journal: Path, tmp_path: Path) -> None:
    page, xml, text = (tmp_path / name for name in ("r.html", "r.xml", "r.md"))
    names = ("--html", page, "--junit", xml, "--markdown", text)
    ran = opsrun("report", "last~1", *names, "--journal", journal)
    assert (ran.status, ran.out, ran.err) == (0, "", "")
    assert {stat.S_IMODE(file.stat().st_mode) for file in (page, xml, text)} == {0o600}
    assert "<h1>1 of 2 hosts did not end well</h1>" in page.read_text()
    assert "<ins>+hello</ins>" in page.read_text()
    root = ElementTree.parse(xml).getroot()
    assert [root.get(name) for name in ("tests", "failures", "errors")] == ["4", "1", "0"]
    assert [element.text for element in root.iter("system-err")] == ["sorry"]
    assert text.read_text().startswith("### ❌ 1 of 2 hosts did not end well")


def test_a_command_to_standard_output(journal: Path) -> None:
    ran = opsrun("report", "last", "--journal", journal, "--markdown")
    assert ran.out.startswith("### ✅ All 2 hosts ended well")
    assert "it is fine" in ran.out
    ran = opsrun("report", "last", "--junit", "-")
    assert ran.status == 2
    assert "there is no journal yet" in ran.err
    ran = opsrun("report", "last", "--junit", "-", "--journal", journal)
    assert ElementTree.fromstring(ran.out).get("errors") == "0"


def test_a_run_that_was_cut_off_says_so_and_is_red(journal: Path, tmp_path: Path) -> None:
    cut = tmp_path / "journal"
    cut.write_bytes(journal.read_bytes())
    with sqlite3.connect(cut) as connection:
        connection.execute("UPDATE runs SET ended = NULL, exit_status = NULL, process = 'gone 1 1'")
        words = "DELETE FROM events WHERE type IN ('result', 'summary') AND coalesce(host, '') {}"
        connection.execute(words.format("<> 'web01'"))
    connection.close()
    ran = opsrun("report", "last", "--journal", cut, "--markdown")
    assert ran.out.startswith("### ❌ Cut off: 1 of 2 hosts had ended")
    assert "1 outcome is not known" in ran.out
    assert ran.out.index("Not known") < ran.out.index("<code>web02</code>")
    ran = opsrun("report", "last", "--journal", cut, "--junit", "-")
    assert ElementTree.fromstring(ran.out).get("errors") == "1"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "which run? Name it: an id, its beginning, last or last~2"),
        (["--markdown", "last"], "'last' is the FILE of --markdown (--markdown=- RUN writes"),
        (["last"], "report as what? Give --html FILE, --junit FILE or --markdown"),
        (["last", "--html", "-", "--markdown"], "--html and --markdown can't both go to stdout"),
        (["last", "--html", "x", "--junit", "x"], "--html and --junit can't both go to x"),
        (["last", "--html", ""], "--html names no file"),
        (["last~9", "--html", "-"], "no run 'last~9': the journal has 2"),
        (["last", "--html", "."], ". can't be written: it is a directory"),
        (["last", "--html", "none/x"], "none/x can't be written: No such file or directory"),
    ],
)
def test_bad_usage_is_one_line(
    journal: Path, tmp_path: Path, words: list[str], expected: str
) -> None:
    ran = opsrun("report", *words, "--journal", journal, cwd=tmp_path)
    assert (ran.status, ran.out) == (2, "")
    assert expected in ran.err
    assert ran.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_can_not_be_had_leaves_the_others_unwritten_or_whole(
    journal: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page"
    ran = opsrun("report", "last", "--html", page, "--junit", tmp_path, "--journal", journal)
    assert ran.status == 2
    assert page.read_text().endswith("</html>\n")


def test_the_help_says_what_a_report_holds() -> None:
    words = " ".join(opsrun("report", "--help").out.split())
    assert "without the passwords that opsrun knew; files are written with mode 0600" in words
