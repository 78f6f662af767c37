"""Distributions: files of real systems, and what the dialect's own engine makes of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fact_cases import systems

from opsrun.modules.facts.asking import RELEASES
from opsrun.modules.facts.distribution import distribution, fields_of, lsb

SYSTEMS = systems()


@pytest.mark.parametrize("system", SYSTEMS, ids=[each["name"] for each in SYSTEMS])
def test_a_system(system: dict[str, Any]) -> None:
    texts = {path.removeprefix("etc/"): text for path, text in system["files"].items()}
    # A path that nobody asks for would tell us nothing.
    texts = {k: v for k, v in texts.items() if k in (*RELEASES, "usr/lib/os-release")}
    found: dict[str, Any] = {**distribution(texts), "lsb": lsb(texts)}
    assert found == {"lsb": {}, **system["facts"]}


def test_two_dozen_and_more() -> None:
    assert len({each["facts"]["distribution"] for each in SYSTEMS}) > 60
    families = {each["facts"]["os_family"] for each in SYSTEMS}
    assert families >= {"Debian", "RedHat", "Suse", "Archlinux", "Alpine", "Gentoo", "Slackware"}


def test_values_in_quotes_and_broken_lines() -> None:
    text = "A='b c'\n# B=1\nC=\"it's \\\"\"\nD='open\nnothing\nE=\n"
    assert fields_of(text) == {"A": "b c", "C": "it's \"", "D": "open", "E": ""}


def test_lsb_release_is_heard_where_it_was_asked() -> None:
    told = "Distributor ID:\tDebian\nDescription:\tDebian GNU/Linux 12\nRelease:\t12.5\n"
    assert lsb({}, told) == {
        "id": "Debian",
        "description": "Debian GNU/Linux 12",
        "release": "12.5",
        "major_release": "12",
    }


TEXTS = st.one_of(
    st.text("abc=\"'\\\n ()0123456789.-_", max_size=40),
    st.sampled_from([text for each in SYSTEMS for text in each["files"].values()]),
)


@given(st.dictionaries(st.sampled_from((*RELEASES, "usr/lib/os-release")), TEXTS, max_size=5))
def test_whatever_files_say_there_is_a_distribution(texts: dict[str, str]) -> None:
    found = distribution(texts)
    names = ("distribution", "distribution_version", "distribution_major_version")
    assert all(isinstance(found[name], str) and found[name] for name in (*names, "os_family"))
    lsb(texts)
