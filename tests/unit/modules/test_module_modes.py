"""Modes: what chmod(1) makes of a real file is what is compared, and what is set."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.module_host import module_host

from opsrun.modules.base import ModuleError
from opsrun.modules.permissions import symbolic

FAST = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
SLOW = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])

_WHO = st.sampled_from(["u", "g", "o", "a", "ug", "uo", "go", "ugo", ""])
_PERMS = st.sets(st.sampled_from("rwxXst"), max_size=4).map("".join) | st.sampled_from("ugo")
_STEP = st.tuples(st.sampled_from("+-="), _PERMS).map("".join)
_CLAUSE = st.tuples(_WHO, st.lists(_STEP, min_size=1, max_size=2).map("".join)).map("".join)
SYMBOLIC = st.lists(_CLAUSE, min_size=1, max_size=3).map(",".join)
MODES = st.integers(0, 0o7777)


def _chmod(path: Path, mode: str, umask: int) -> int:
    """What chmod(1) makes of it."""
    ended = subprocess.run(
        ["sh", "-c", 'umask "$1" && chmod -- "$2" "$3"', "sh", f"{umask:03o}", mode, str(path)],
        capture_output=True,
        check=False,
    )
    # It complains where the umask kept it from what was asked for, having done the rest.
    assert ended.returncode == 0 or b"new permissions are" in ended.stderr, ended.stderr
    return path.stat().st_mode & 0o7777


def _without_special(text: str) -> bool:
    """Whether chmod(1) and the dialect mean the same by it: see the module's own words on ``=``,
    and GNU's on ``+s`` and ``+t`` that name nobody."""
    return all(clause[0] in "ugoa" or not set("st") & set(clause) for clause in text.split(","))


@FAST
@given(mode=MODES, text=SYMBOLIC.filter(_without_special), umask=st.sampled_from([0, 0o22, 0o77]))
def test_a_symbolic_mode_is_what_chmod_makes_of_it(
    tmp_path: Path, mode: int, text: str, umask: int
) -> None:
    path = tmp_path / "f"
    path.touch()
    path.chmod(mode)
    made = symbolic(text, path.stat().st_mode & 0o7777, directory=False, umask=umask)
    assert f"{made:04o}" == f"{_chmod(path, text, umask):04o}"


@FAST
@given(mode=MODES, text=SYMBOLIC.filter(_without_special), umask=st.sampled_from([0, 0o22]))
def test_and_of_a_directory_but_for_set_id_bits(
    tmp_path: Path, mode: int, text: str, umask: int
) -> None:
    path = tmp_path / "d"
    path.mkdir(exist_ok=True)
    path.chmod(mode)
    made = symbolic(text, path.stat().st_mode & 0o7777, directory=True, umask=umask)
    found = _chmod(path, text, umask)
    path.chmod(0o700)
    # GNU's chmod leaves them alone where "=" does not name them.
    assert f"{made & 0o1777:04o}" == f"{found & 0o1777:04o}"


@SLOW
@given(
    before=st.integers(0, 0o777),
    mode=st.integers(0, 0o7777).flatmap(
        lambda number: st.sampled_from([number, f"{number:04o}", f"0o{number:o}", f"0{number:04o}"])
    )
    | SYMBOLIC,
    directory=st.booleans(),
)
def test_the_mode_that_is_told_is_the_mode_that_is(
    tmp_path: Path, before: int, mode: Any, directory: bool
) -> None:
    path = tmp_path / ("d" if directory else "f")
    if directory:
        path.mkdir(exist_ok=True)
    else:
        path.touch()
    path.chmod(before)
    with module_host(tmp_path) as host:
        args = {"path": str(path), "mode": mode}
        checked = host.run("file", args, check=True)
        told = host.run("file", args)
        if told.get("failed"):
            # 0oNNN is a number for Python, and no mode for anybody.
            assert isinstance(mode, str)
            assert mode.startswith("0o")
            return
        now = path.stat().st_mode & 0o7777
        assert told["mode"] == f"0{now:03o}"
        assert told["changed"] == checked["changed"] == (now != before)
        if isinstance(mode, int):
            assert now == mode
        elif mode.isdigit():
            assert now == int(mode, 8)
        again = host.run("file", args)
        repeatable = not isinstance(mode, str) or mode.isdigit()
        assert not again["changed"] or not repeatable
    path.chmod(0o700)


@pytest.mark.parametrize("text", ["u", "u+q", "x", "u=rg", "u+r,", "a=rwx;id", "u+x g+x"])
def test_what_is_no_mode_is_refused(text: str) -> None:
    with pytest.raises(ModuleError, match="octal or symbolic"):
        symbolic(text, 0o644, directory=False, umask=0o22)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="giving files away takes root")
def test_owners_by_names_and_numbers_and_unknown_ones(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("x")
    with module_host(tmp_path) as host:
        for owner, uid in (("daemon", 1), ("2", 2), (3, 3), ("root", 0)):
            told = host.run("file", {"path": str(path), "owner": owner, "group": owner})
            assert (told["changed"], told["uid"], path.stat().st_uid) == (True, uid, uid)
            again = host.run("file", {"path": str(path), "owner": owner, "group": owner})
            assert not again["changed"]
        for args in ({"owner": "nobody-has-it"}, {"group": "nobody-has-it"}):
            for module, given_ in (
                ("file", {"path": str(path)}),
                ("copy", {"dest": str(path), "content": "other"}),
                ("copy", {"dest": str(tmp_path / "new"), "content": "other"}),
            ):
                told = host.run(module, {**given_, **args})
                assert told["failed"]
                assert "nobody-has-it" in told["msg"]
    assert path.read_text() == "x"
    assert [each.name for each in tmp_path.iterdir()] == ["f"]
