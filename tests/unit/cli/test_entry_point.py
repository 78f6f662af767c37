"""What the operator's shell makes of the process: descriptors, disks and directories."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

LIST = ("-m", "opsrun", "exec", "-i", "h1,h2,", "-w", "all", "--list-hosts")
LOCAL = "[all]\nhere ansible_connection=local\n"


def run(shell: str, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Python with these words, started by a line of shell that says ``"$@"`` where it is."""
    return subprocess.run(
        ["sh", "-c", shell, "sh", sys.executable, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
    )


@pytest.fixture
def local(tmp_path: Path) -> tuple[str, ...]:
    """Words that run a command on this machine, without SSH."""
    inventory = tmp_path / "local.cfg"
    inventory.write_text(LOCAL)
    return ("-m", "opsrun", "exec", "-i", str(inventory), "-w", "all", "-F", "none")


def test_a_closed_standard_input_is_an_empty_one(local: tuple[str, ...]) -> None:
    ended = run('"$@" <&-', *local, "--stdin", "--", "cat; echo end")
    assert "Traceback" not in ended.stderr
    assert (ended.returncode, ended.stdout) == (0, "here | end\n")


def test_names_that_were_to_come_and_did_not_are_missed(local: tuple[str, ...]) -> None:
    ended = run('"$@" </dev/null', *local[:5], "--hosts", "-", "--", "echo ran")
    assert ended.returncode == 2
    assert "standard input, and there was none" in ended.stderr


def test_closed_descriptors_are_never_given_to_files_of_ours(
    local: tuple[str, ...], tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    ended = run('"$@" <&- >&- 2>&-', *local, "--outdir", str(kept), "--", "echo out; exit 3")
    assert ended.returncode == 1, "the status of the run, not that of a broken output"
    assert (kept / "here.out").read_text() == "out\n"
    assert (kept / "hosts.tsv").read_text().splitlines()[1].split("\t")[:3] == [
        "here",
        "failed",
        "3",
    ]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("words", [LIST, ("-m", "opsrun", "--help")])
def test_a_full_disk_is_told_in_one_line(words: tuple[str, ...]) -> None:
    ended = run('"$@" >/dev/full', *words)
    assert (ended.returncode, ended.stderr) == (1, "opsrun: No space left on device\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_what_the_output_lost_is_told_at_the_end(local: tuple[str, ...]) -> None:
    ended = run('"$@" >/dev/full', *local, "--", "echo out")
    assert ended.returncode == 1
    assert "No space left on device" in ended.stderr
    assert "ok 1" in ended.stderr


def test_a_reader_that_went_away_gives_the_status_of_sigpipe() -> None:
    script = 'trap "" PIPE; { "$@"; echo "status $?" >&2; } | true'
    # The reader of this pipe is gone before Python has started.
    ended = run(script, *LIST)
    assert ended.stderr == "status 141\n"


def test_a_working_directory_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    ended = run('rmdir "$PWD"; "$@"', *LIST, cwd=tmp_path / "gone")
    assert ended.returncode == 2
    assert ended.stderr == ("opsrun: the working directory is gone; change to one that is there\n")


@pytest.mark.parametrize("words", [("--serial", ""), ("--max-fail", "")])
def test_an_empty_limit_is_no_limit_left_out(
    local: tuple[str, ...], words: tuple[str, ...]
) -> None:
    ended = run('"$@"', *local, *words, "--", "echo ran")
    assert (ended.returncode, ended.stdout) == (2, "")


def test_an_empty_command_is_refused(local: tuple[str, ...]) -> None:
    ended = run('"$@"', *local, "--", "")
    assert (ended.returncode, ended.stderr) == (2, "opsrun: the command is empty\n")


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "0", "-1", "x"])
@pytest.mark.parametrize("option", ["--command-timeout", "--connect-timeout"])
def test_a_time_to_wait_is_positive_and_finite(
    local: tuple[str, ...], option: str, value: str
) -> None:
    ended = run('"$@"', *local, option, value, "--", "echo ran")
    assert (ended.returncode, ended.stdout) == (2, "")
