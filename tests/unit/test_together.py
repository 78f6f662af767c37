"""No test is lost by running them together, and none that fails goes unseen."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tools import together
from tools.together import (
    ONCE,
    TOP,
    Done,
    Job,
    environment,
    everything,
    expected,
    lint,
    parts,
    run,
    run_all,
    show,
)


def python(code: str, name: str = "job") -> Job:
    return Job(name, (sys.executable, "-c", code))


def test_every_test_file_is_in_one_job_and_contracts_of_engines_in_one_of_each() -> None:
    """Found by other means than the program's: by the names that pytest goes by."""
    everywhere = TOP.joinpath("tests").rglob("*.py")
    names = [path for path in everywhere if path.match("test_*.py") or path.match("*_test.py")]
    wanted = Counter(str(path.relative_to(TOP)) for path in names)
    contracts = {name for name in wanted if name.startswith("tests/contract/")}
    once = {f"tests/contract/{name}" for name in ONCE}
    assert once < contracts
    wanted += Counter(contracts - once)
    jobs = everything()
    assert wanted == Counter(
        word for job in jobs for word in job.argv if Path(word).name.startswith("test_")
    )
    patched = {
        word
        for job in jobs
        if "tests/tools/pytest_gevent.py" in job.argv
        for word in job.argv
        if word.startswith("tests/contract/")
    }
    assert patched == contracts


def test_nothing_is_left_out_but_the_long_runs() -> None:
    for job in everything():
        if any(Path(word).match("test_*.py") for word in job.argv):
            words = [word for word in job.argv if not word.startswith("faulthandler_")]
            assert {word for word in words if word.startswith("-")} <= {"-m", "-p", "-q", "-o"}
            assert "-m not soak -o -o tests/" in " ".join(words)


@given(
    st.dictionaries(st.text("abc", min_size=1), st.floats(0.1, 300), max_size=30),
    st.sets(st.text("def", min_size=1), max_size=5),
    st.floats(1, 200),
)
def test_parts_hold_each_name_once_and_none_is_much_longer(
    known: dict[str, float], new: set[str], most: float
) -> None:
    """No part could give its last file away to the shortest part and still be longer."""
    names = sorted({*known, *new})
    made = parts(names, known, most)
    assert sorted(name for part in made for name in part) == names
    took = [[expected(name, known) for name in part] for part in made]
    assert all(sum(each[:-1]) <= min(map(sum, took)) + 1e-6 for each in took)
    if len(made) > 1:
        assert sum(map(sum, took)) > most * (len(made) - 0.6)


def test_what_takes_longest_begins_first() -> None:
    lengths = [job.expected for job in everything()]
    assert lengths == sorted(lengths, reverse=True)
    assert len(lengths) > len(lint())


def test_a_test_has_a_place_of_its_own_and_what_is_compiled_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-x")
    made = environment(tmp_path)
    assert "PYTHONDONTWRITEBYTECODE" not in made
    assert made["PYTEST_ADDOPTS"].startswith(f"-x --basetemp={tmp_path}/")
    code = "import os; print(os.environ['PYTEST_ADDOPTS'])"
    first, second = (asyncio.run(run(python(code))).output for _ in range(2))
    assert first != second


def test_seconds_are_recorded_by_file_the_longest_of_either_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "tests/unit/test_together.py"
    told = []
    for seconds in (1.5, 2.5):
        cases = "".join(f'<testcase file="{name}" time="{each}"/>' for each in (seconds, 1))
        (tmp_path / "x").write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
        told.append(together.told(tmp_path / "x"))
    assert [list(each.values()) for each in told] == [[2.5], [3.5]]
    assert together.told(tmp_path / "none") == {}
    monkeypatch.setattr(together, "SECONDS", tmp_path / "seconds.tsv")
    monkeypatch.setattr(together, "measured", lambda: {"tests/gone.py": 1.0, "Makefile": 2.0})
    together.record(Done(python(""), 0, b"", 0.0, each) for each in told)
    assert (tmp_path / "seconds.tsv").read_text() == f"Makefile\t2.0\n{name}\t3.5\n"


def test_what_has_ended_is_shown_whole_while_others_run(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that begins first is let go on when the other has been shown."""
    os.mkfifo(tmp_path / "gate")
    gate = os.open(tmp_path / "gate", os.O_RDWR)
    slow = (
        "import signal; signal.alarm(60); print('slow begins', flush=True)\n"
        f"open({str(tmp_path / 'gate')!r}).readline(); print('slow ends')"
    )

    def showing(done: Done) -> None:
        show(done)
        os.write(gate, b"\n")

    monkeypatch.setattr(together, "show", showing)
    try:
        done = asyncio.run(run_all([python(slow, "slow"), python("print('fast')", "fast")], 2))
    finally:
        os.close(gate)
    assert [(each.job.name, each.status) for each in done] == [("fast", 0), ("slow", 0)]
    out = capfdbinary.readouterr().out
    assert 0 < out.index(b"\nfast\n") < out.index(b"\nslow begins\nslow ends\n")


def test_no_more_run_at_once_than_there_are_places(tmp_path: Path) -> None:
    """Each would see the other's folder, did both run."""
    code = f"import os; os.mkdir({str(tmp_path / 'mine')!r}); os.rmdir({str(tmp_path / 'mine')!r})"
    done = asyncio.run(run_all([python(code) for _ in range(6)], 1))
    assert [each.status for each in done] == [0] * 6


@pytest.mark.parametrize(
    ("code", "well"),
    [
        ("pass", True),
        ("raise SystemExit(1)", False),
        ("raise SystemExit(5)", False),
        ("import os; os.kill(os.getpid(), 9)", False),
    ],
    ids=["well", "failed", "no tests", "killed"],
)
def test_how_a_job_ends_is_not_missed(code: str, well: bool) -> None:
    done = asyncio.run(run(python(code)))
    assert done.well is well
    assert done.summary.startswith("ok" if well else "FAILED")


def test_a_server_that_a_test_forgot_holds_nothing_up(tmp_path: Path) -> None:
    """It has our output open, and lives until its own input ends."""
    os.mkfifo(tmp_path / "input")
    argv = ("sh", "-c", 'cat <"$1" & echo over', "sh", str(tmp_path / "input"))
    done = asyncio.run(run(Job("forgetful", argv)))
    assert (done.well, done.output) == (True, b"over\n")
    (tmp_path / "input").write_text("")


def test_a_job_that_is_given_up_tidies_up_first(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "ready")
    code = (
        "import pathlib, signal, sys\n"
        "top = pathlib.Path(sys.argv[1])\n"
        "try:\n"
        "    (top / 'ready').write_text('')\n"
        "    signal.pause()\n"
        "except KeyboardInterrupt:\n"
        "    print('x' * 1_000_000)\n"
        "    (top / 'tidy').touch()\n"
    )

    async def give_up() -> None:
        job = Job("long", (sys.executable, "-c", code, str(tmp_path)))
        task = asyncio.create_task(run_all([job], 1))
        await asyncio.to_thread((tmp_path / "ready").read_text)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(give_up())
    assert (tmp_path / "tidy").exists()


def test_the_summary_ends_with_the_last_line() -> None:
    done = Done(python(""), 0, b"....\n3 passed in 1 s\n", 1.25)
    assert done.summary == "ok              1.2 s  job: 3 passed in 1 s"


def test_no_job_has_our_standard_input() -> None:
    done = asyncio.run(run(python("import sys; print(repr(sys.stdin.read()))")))
    assert done.output == b"''\n"


def test_a_number_of_places_that_can_not_be(tmp_path: Path) -> None:
    words = [sys.executable, str(TOP / "tests/tools/together.py"), "--jobs", "0"]
    ran = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert "--jobs takes a number from 1 on, not 0" in ran.stderr
