"""Versions compared as rpm does, names matched, and tables of dnf read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.modules.base import ModuleError
from opsrun.modules.packages.dnf_options import DnfOptions
from opsrun.modules.packages.dnf_table import Transaction, read_transaction, unknown, why
from opsrun.modules.packages.dnf_wanted import Found, work
from opsrun.modules.packages.rpm_database import Package, compare, matching

VERSIONS = st.text("0123456789abzA.~^-_", max_size=8)


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        ("1.0", "1.0", 0),
        ("1.0", "2.0", -1),
        ("2.0.1", "2.0", 1),
        ("10", "9", 1),
        ("1.05", "1.5", 0),
        ("xyz10", "xyz10.1", -1),
        ("1.a", "1.1", -1),
        ("1.0~rc1", "1.0", -1),
        ("1.0~rc1", "1.0~rc2", -1),
        ("1.0^git1", "1.0", 1),
        ("1.0^git1", "1.0.1", -1),
        ("1.0^git1~pre", "1.0^git1", -1),
        ("1_0", "1.0", 0),
    ],
)
def test_versions_as_rpm_compares_them(one: str, other: str, wanted: int) -> None:
    assert compare(one, other) == wanted
    assert compare(other, one) == -wanted


@given(VERSIONS, VERSIONS, VERSIONS)
def test_versions_have_an_order(a: str, b: str, c: str) -> None:
    assert compare(a, a) == 0
    assert compare(a, b) == -compare(b, a)
    if compare(a, b) <= 0 and compare(b, c) <= 0:
        assert compare(a, c) <= 0


FOO = Package("foo-bar", "2", "1.4", "3.el9", "x86_64")


@pytest.mark.parametrize(
    "spec",
    [
        "foo-bar",
        "foo-bar.x86_64",
        "foo-bar-1.4",
        "foo-bar-1.4-3.el9",
        "foo-bar-2:1.4-3.el9.x86_64",
        "2:foo-bar-1.4-3.el9.x86_64",
        "foo-*",
        "foo-bar-1.*",
    ],
)
def test_what_a_package_may_be_called(spec: str) -> None:
    assert matching([FOO], spec) == [FOO]


@pytest.mark.parametrize("spec", ["foo", "foo-bar-1", "foo-bar-1.4-3", "foo-bar.i686", "bar*"])
def test_what_it_is_not_called(spec: str) -> None:
    assert matching([FOO], spec) == []


TABLE = """\
Dependencies resolved.
================================================================================
 Package           Architecture       Version            Repository        Size
================================================================================
Installing:
 alpha             noarch             2:1.0-1            made             5.5 k
 a-package-with-a-name-that-is-far-too-long-for-its-column
                   x86_64             1.4-3.el9          updates           12 M
     replacing  older.x86_64 1.0-1
Upgrading:
 gamma             noarch             1.1-1              made             0.9 k
Removing dependent packages:
 beta              noarch             1.0-1              @made             0.1 k

Transaction Summary
================================================================================
Operation aborted.
"""


def test_a_table() -> None:
    long = "a-package-with-a-name-that-is-far-too-long-for-its-column-1.4-3.el9.x86_64"
    assert read_transaction(TABLE) == Transaction(
        ("alpha-2:1.0-1.noarch", long, "gamma-1.1-1.noarch"),
        ("older-1.0-1.x86_64", "beta-1.0-1.noarch"),
        (("gamma", "noarch"),),
    )
    assert not read_transaction("Nothing to do.\nComplete!\n")


def test_words_of_failures() -> None:
    said = "Last metadata expiration check: 0 ago.\nError: \n Problem: x\n  - y\n(try to add z)\n"
    assert why(said) == " Problem: x\n  - y"
    said = "No match for argument: a\nModule or Group 'g' is not available.\nError: Unable: a\n"
    assert unknown(said) == ["a", "g"]


def test_what_looks_like_an_option_is_no_package() -> None:
    with pytest.raises(ModuleError, match="--root"):
        work(DnfOptions(named=["--root"]), Found("dnf", (FOO,), frozenset(), {}))
