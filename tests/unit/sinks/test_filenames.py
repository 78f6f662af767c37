from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.sinks.filenames import MAX_LENGTH, FileNames

hosts = st.text(st.characters(codec=None)) | st.sampled_from(["..", "/", "Web", "web", "WEB", ""])


@given(st.lists(hosts, unique=True))
def test_names_are_safe_and_no_two_alike(names: list[str]) -> None:
    files = FileNames()
    found = [files[name] for name in names]
    assert len({name.lower() for name in found}) == len(names)
    for name in found:
        assert name.isascii()
        assert 0 < len(name) <= MAX_LENGTH
        assert os.sep not in name
        assert name[0] not in ".-"


@given(st.lists(hosts, unique=True))
def test_a_host_keeps_its_name(names: list[str]) -> None:
    files = FileNames()
    assert [files[name] for name in names] == [files[name] for name in names]


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("web01.example.invalid", "web01.example.invalid"),
        ("root@[::1]:22", "root@%5B::1%5D:22"),
        ("../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd"),
        (".bashrc", "%2Ebashrc"),
        ("-rf", "%2Drf"),
        ("é", "%C3%A9"),
        ("a%2Fb", "a%252Fb"),
        ("a~b", "a%7Eb"),
        ("", "%"),
    ],
)
def test_readable_where_it_can_be(host: str, name: str) -> None:
    assert FileNames()[host] == name


def test_names_that_differ_in_case_alone() -> None:
    files = FileNames()
    assert (files["web"], files["WEB"].split("~")[0]) == ("web", "WEB")
