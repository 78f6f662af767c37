"""Modes, beside chmod(1) itself."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsrun.errors import UsageError
from opsrun.trees.modes import Mode

actions = st.tuples(
    st.sampled_from("+-="),
    st.one_of(st.text("rwxXst", max_size=4), st.sampled_from("ugo")),
).map("".join)
clauses = st.tuples(st.text("ugoa", max_size=2), st.lists(actions, min_size=1, max_size=2)).map(
    lambda clause: clause[0] + "".join(clause[1])
)
symbolic = st.lists(clauses, min_size=1, max_size=3).map(",".join)
octal = st.integers(0, 0o7777).map(lambda mode: f"{mode:04o}")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.one_of(symbolic, octal), mode=st.integers(0, 0o7777), directory=st.booleans())
def test_a_mode_does_what_chmod_does(text: str, mode: int, directory: bool, tmp_path: Path) -> None:
    path = tmp_path / ("d" if directory else "f")
    if directory:
        path.mkdir(exist_ok=True)
        # What chmod keeps of a directory's special bits is for the host's chmod to say.
        mode &= 0o777
    else:
        path.touch()
    os.chmod(path, mode)
    before = stat.S_IMODE(path.stat().st_mode)
    command = f"umask 027; chmod -- '{text}' '{path}'"
    subprocess.run(["sh", "-c", command], check=False, capture_output=True)
    after = stat.S_IMODE(path.stat().st_mode)
    assert oct(Mode.parse(text).applied(before, directory=directory, umask=0o027)) == oct(after)


@pytest.mark.parametrize("text", ["", "8", "0999", "rw", "u=rwz", "u=rw,", "07777777", "-1"])
def test_what_is_no_mode_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="octal"):
        Mode.parse(text)


@pytest.mark.parametrize(
    ("text", "special"),
    [
        ("4755", True),
        ("0755", False),
        ("755", False),
        ("1777", True),
        ("u+s", True),
        ("a+X", False),
    ],
)
def test_special_bits_are_asked_for_by_name(text: str, special: bool) -> None:
    assert Mode.parse(text).is_special is special
