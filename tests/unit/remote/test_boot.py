"""Told apart: a host that was started anew, and one that only looks a little different."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.remote.boot import ASK, Boot

UUID, OTHER = "739fa360-4217-4fc4-ae8a-cb4587690729", "00000000-4217-4fc4-ae8a-cb4587690729"
STAT = "1 (init) S 0 0 0 0 -1 4194560 1 2 0 10 27 15 12 38 20 0 13 0 {} 56999936 5931 18 1 1 0\n"


def parsed(text: str) -> Boot:
    boot = Boot.parse(text)
    assert boot is not None
    return boot


@pytest.mark.parametrize(
    ("answer", "boot"),
    [
        (f"{UUID}\n", Boot(UUID)),
        (f"Welcome!\n{UUID.upper()}\n", Boot(UUID)),
        (UUID + "\n" + STAT.format(31), Boot(UUID, "31")),
        (UUID + "\n" + STAT.replace("init", "a) S (b").format(7), Boot(UUID, "7")),
        ("{ sec = 1700000000, usec = 5 } Tue Nov 14 22:13:20 2023\n", Boot(since="1700000000")),
        ("Mon Nov 12 12:34:56 2018\n", Boot(since="Mon Nov 12 12:34:56 2018")),
        ("", None),
        ("cat: /proc: No such file\n", None),
        (f"x{UUID}\n", None),
        (f"{UUID}0\n", None),
        (STAT.format(31), None),
    ],
)
def test_what_hosts_show(answer: str, boot: Boot | None) -> None:
    assert Boot.parse(answer) == boot


@pytest.mark.parametrize(
    ("before", "after", "another"),
    [
        (Boot(UUID), Boot(UUID), False),
        (Boot(UUID), Boot(OTHER), True),
        (Boot(UUID, "5"), Boot(UUID, "5"), False),
        (Boot(UUID, "5"), Boot(UUID, "99"), True),
        (Boot(UUID, "5"), Boot(UUID), False),
        (Boot(UUID), Boot(UUID, "5"), False),
        (Boot(UUID, "5"), Boot(OTHER, "5"), True),
        (Boot(since="1700000000"), Boot(since="1700000002"), False),
        (Boot(since="1700000000"), Boot(since="1700000003"), True),
        (Boot(since="Mon"), Boot(since="Tue"), True),
        (Boot(UUID), Boot(since="1700000000"), False),
    ],
)
def test_only_what_both_show_counts(before: Boot, after: Boot, another: bool) -> None:
    assert after.is_another(before) is another
    assert before.is_another(after) is another


@given(st.text(max_size=300))
def test_nothing_that_a_host_says_is_too_odd(text: str) -> None:
    boot = Boot.parse(text)
    assert boot is None or not boot.is_another(boot)


@given(st.uuids(), st.integers(0, 10**12), st.text(alphabet="abc() -1S", max_size=15))
def test_a_start_is_found_whatever_the_first_process_is_called(
    uuid: object, ticks: int, name: str
) -> None:
    boot = parsed(f"{uuid}\n{STAT.replace('init', name).format(ticks)}")
    assert (boot.uuid, boot.init) == (str(uuid), str(ticks))
    assert boot.to_dict() == {"boot_id": str(uuid), "init_began": str(ticks)}


@pytest.mark.parametrize("shell", ["sh", "dash", "bash", "mksh", "busybox", "csh", "tcsh", "fish"])
def test_this_machine_shows_the_same_twice_in_any_shell(shell: str) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"there is no {shell} here")
    words = [program, "sh"] if shell == "busybox" else [program]
    looks = [
        subprocess.run([*words, "-c", ASK], capture_output=True, text=True, check=False).stdout
        for _ in range(2)
    ]
    assert parsed(looks[0]) == parsed(looks[1])
    assert parsed(looks[0]).uuid or parsed(looks[0]).since
