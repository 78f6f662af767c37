"""Reading a log on: new lines alone, through rotation and truncation, on every shell."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.shells import SHELLS, shared_shells
from support.sights import ShellSight

from opsrun.adhoc.checks.log import LogCheck
from opsrun.engine.stop import Stop
from opsrun.errors import HostError, UsageError

COMBINATIONS = [(shell, userland) for shell in SHELLS for userland in ("system", "busybox")]


class Log:
    """A log that is looked at."""

    def __init__(self, sight: ShellSight, path: Path, regex: str = "ready") -> None:
        self.path = path
        self.sight = sight
        self._look = LogCheck(str(path), regex).attempts(sight)  # type: ignore[arg-type]
        self._stop = Stop(sight.engine)

    def passes(self) -> bool:
        """Look once; whether there was such a line."""
        try:
            self._look(self._stop)
        except HostError as error:
            self.words = error.message
            return False
        return True

    def write(self, text: str | bytes) -> None:
        data = text if isinstance(text, bytes) else text.encode()
        with self.path.open("ab") as file:
            file.write(data)


@pytest.fixture(params=[pytest.param(each, id="-".join(each)) for each in COMBINATIONS])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Log:
    """An empty log on each shell."""
    sight = ShellSight(shared_shells(*request.param))
    log = Log(sight, tmp_path / "app log")
    log.path.touch()
    return log


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Log]:
    """A log on this machine's sh; it isn't there yet."""
    return lambda regex="ready", name="log": Log(ShellSight(), tmp_path / name, regex)


def test_only_what_is_written_after_the_first_look_counts(log: Log) -> None:
    log.write("ready\n" * 3)
    assert not log.passes()
    log.write("starting\n")
    assert not log.passes()
    assert log.words == f"no such line in {log.path} yet"
    log.write("ready\n")
    assert log.passes()
    assert not log.passes(), "each line once"


def test_a_line_counts_when_it_is_whole(log: Log) -> None:
    assert not log.passes()
    log.write("starting\nread")
    assert not log.passes()
    log.write("y")
    assert not log.passes()
    log.write("\n")
    assert log.passes()


@pytest.mark.parametrize("rest", ["ready\n", "dy\n"])
def test_a_line_that_is_being_written_at_first_counts_as_a_whole(log: Log, rest: str) -> None:
    log._look = LogCheck(str(log.path), "^(rea|not )?ready$").attempts(log.sight)  # type: ignore[arg-type]
    log.write("ready\nnot yet ")
    assert not log.passes()
    log.write(rest)
    assert not log.passes(), "'not yet ready' is no 'ready'"
    log.write("rea")
    assert not log.passes()
    log.write("dy\n")
    assert log.passes()


@pytest.mark.parametrize("size", [65_535, 65_536, 200_000])
def test_an_unfinished_line_of_any_length(make: Callable[..., Log], size: int) -> None:
    log = make("ready$")
    log.write("ready\n" + "x" * size)
    assert not log.passes()
    log.write("x\n")
    assert not log.passes()
    log.write("ready\n")
    assert log.passes()


def test_a_log_that_was_not_there_counts_from_its_beginning(log: Log) -> None:
    log.path.unlink()
    assert not log.passes()
    assert log.words == f"there is no {log.path}"
    log.write("ready\n")
    assert log.passes()


def test_a_renamed_log_is_read_to_its_end(log: Log) -> None:
    """What was written between the last look and the rotation stands in the old one."""
    log.write("old ready\n")
    assert not log.passes()
    log.write("ready\n")
    log.path.rename(f"{log.path}.1")
    log.write("another log\n")
    assert log.passes()
    assert not log.passes()


def test_a_dated_log_is_found_as_well(log: Log) -> None:
    assert not log.passes()
    log.write("ready\n")
    log.path.rename(f"{log.path}-20260131")
    log.path.touch()
    assert log.passes()


def test_the_new_log_is_read_from_its_beginning(log: Log) -> None:
    log.write("something that is longer than what comes\n")
    assert not log.passes()
    log.path.rename(f"{log.path}.1")
    assert not log.passes()
    log.write("ready\n")
    assert log.passes()


def test_an_old_log_of_the_same_name_is_not_read_again(log: Log) -> None:
    Path(f"{log.path}.1").write_text("ready\n")
    assert not log.passes()
    log.path.rename(f"{log.path}.2")
    log.write("starting\n")
    assert not log.passes()


def test_an_emptied_log_is_read_from_its_beginning(log: Log) -> None:
    log.write("ready, and more of that\n")
    assert not log.passes()
    os.truncate(log.path, 0)
    assert not log.passes()
    log.write("ready\n")
    assert log.passes()


def test_a_log_that_was_emptied_and_filled_beyond_where_we_were(log: Log) -> None:
    log.write("a line\n")
    assert not log.passes()
    os.truncate(log.path, 0)
    log.write("ready\n" + "more\n" * 100)
    assert log.passes()


def test_another_log_with_the_old_ones_inode(log: Log) -> None:
    """File systems give the number of a file that was removed to the next one that is made."""
    log.write("a line\n" * 100)
    assert not log.passes()
    # In place, so that it is the same inode for sure, whatever the file system does.
    log.path.write_text("ready\n" + "b line\n" * 200)
    assert log.passes()


def test_bytes_of_any_kind_do_no_harm(log: Log) -> None:
    assert not log.passes()
    log.write(b"\xff\xfe \x1b[2J \x80\n" * 3)
    assert not log.passes()
    log.write(b"\xff ready \xfe\n")
    assert log.passes()


def test_a_link_is_followed(make: Callable[..., Log], tmp_path: Path) -> None:
    log = make()
    (tmp_path / "real").touch()
    log.path.symlink_to("real")
    assert not log.passes()
    log.write("ready\n")
    assert log.passes()


@pytest.mark.parametrize("name", ["it's $(touch pwned) `x` *", "-n", "a\\b", "ü %s"])
def test_a_path_is_only_a_path(
    make: Callable[..., Log], tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    log = make(name=name)
    log.path.touch()
    assert not log.passes()
    log.write("ready\n")
    assert log.passes()
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_a_relative_path_and_one_that_looks_like_an_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    log = Log(ShellSight(), Path("-f"))
    log.path.touch()
    assert not log.passes()
    log.write("ready\n")
    assert log.passes()


@pytest.mark.parametrize(
    ("regex", "line"),
    [
        ("^up in [0-9]+ ms$", "up in 20 ms"),
        ('it\'s "here" $', 'it\'s "here" $'.replace("$", "")),
        ("-e", "x -e y"),
        ("^$", ""),
        ("(a|b)+c", "xabac"),
    ],
)
def test_an_expression_is_greps(make: Callable[..., Log], regex: str, line: str) -> None:
    log = make(regex)
    log.write("before\n")
    assert not log.passes()
    log.write("other\n")
    assert not log.passes()
    log.write(line + "\n")
    assert log.passes()


def test_an_expression_that_grep_does_not_take_can_never_pass(make: Callable[..., Log]) -> None:
    with pytest.raises(UsageError, match=r"grep -E on web01 doesn't take the expression: .*"):
        make("(").passes()


def test_what_is_no_log(make: Callable[..., Log]) -> None:
    log = make()
    log.path.mkdir()
    assert not log.passes()
    assert log.words == f"{log.path} is a directory"
    log.path.rmdir()
    os.mkfifo(log.path)
    assert not log.passes()
    assert log.words == f"{log.path} is no file"


@given(
    st.sampled_from(["", "a\n", "b", "b\na", "a\nb"]),
    st.lists(
        st.one_of(
            st.tuples(st.just("write"), st.lists(st.sampled_from(["a\n", "b", "\n"]), max_size=4)),
            st.tuples(st.just("rotate"), st.just([])),
            st.tuples(st.just("look"), st.just([])),
        ),
        max_size=8,
    ),
)
def test_no_line_is_missed_or_seen_twice(
    tmp_path_factory: pytest.TempPathFactory, first: str, steps: list[tuple[str, list[str]]]
) -> None:
    """Beside a reader that sees every byte; between two looks there is one rotation at most."""
    path = tmp_path_factory.mktemp("log") / "log"
    path.write_text(first)
    log = Log(ShellSight(), path, "^b")
    assert not log.passes()
    unread, rotated = first.rpartition("\n")[2], False
    for step, pieces in [*steps, ("look", [])]:
        if step == "write":
            log.write("".join(pieces))
            unread += "".join(pieces)
        elif step == "rotate" and not rotated and (not unread or unread.endswith("\n")):
            Path(f"{path}.1").unlink(missing_ok=True)
            path.rename(f"{path}.1")
            path.touch()
            rotated = True
        elif step == "look":
            whole, newline, rest = unread.rpartition("\n")
            lines = whole.split("\n") if newline else []
            assert log.passes() == any(line.startswith("b") for line in lines)
            unread, rotated = rest, False
