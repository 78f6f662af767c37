from __future__ import annotations

import re
import string

import pytest
from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet
from hypothesis import given
from hypothesis import strategies as st

from opsrun.sinks.names import fold, label
from opsrun.views.sanitise import is_plain

plain = st.from_regex(
    re.compile(r"[a-z][a-z0-9]{0,4}(-[0-9]{1,3})?(\.lan)?", re.ASCII), fullmatch=True
)


@given(st.sets(plain, min_size=1))
def test_what_was_folded_expands_to_the_same_names(names: set[str]) -> None:
    assert set(NodeSet(fold(names), resolver=RESOLVER_NOGROUP)) == names


@given(st.lists(st.text(min_size=1)))
def test_any_name_is_taken_and_harmless(names: list[str]) -> None:
    folded = fold(names)
    assert is_plain(folded)
    assert "\n" not in folded


@given(st.sets(st.sampled_from(list(string.ascii_lowercase))), st.randoms())
def test_the_order_in_which_hosts_ended_does_not_show(names: set[str], random: object) -> None:
    shuffled = sorted(names, reverse=True)
    assert fold(shuffled) == fold(sorted(names)) == ",".join(sorted(names))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], ""),
        (["web01"], "web01"),
        (["web01", "web01"], "web01"),
        ([f"web{i:02}" for i in range(1, 21)], "web[01-20] (20)"),
        (["web1", "web10", "web2", "db"], "db,web[1-2,10] (4)"),
        (["web[1", "web1", "web2"], "web[1-2],web[1 (3)"),
        (["@all", "a&b", "x!y", "a b"], "@all,a b,a&b,x!y (4)"),
        (["h\x1b[2J", "h\nx"], "h\\nx,h^[[2J (2)"),
        (["10", "9"], "9,10 (2)"),
        (["10.0.0.1", "10.0.0.2"], "10.0.0.[1-2] (2)"),
        (["n" + "9" * 5000, "n1"], "n1,n" + "9" * 5000 + " (2)"),
    ],
)
def test_label(names: list[str], expected: str) -> None:
    assert label(names) == expected


@pytest.mark.parametrize("shape", ["ip-10-{}-{}", "web{1:03}.dc{0}.lan"])
def test_many_names_with_several_numbers_fold_along_the_best_one(shape: str) -> None:
    names = [shape.format(i, j) for i in range(3) for j in range(200)]
    lists = [fold(shape.format(i, j) for j in range(200)) for i in range(3)]
    assert fold(names) == ",".join(lists)
    assert all(text.count("[") == 1 for text in lists)


def test_names_of_other_shapes_do_not_hinder_each_other() -> None:
    names = [f"a{i}-{j}" for i in range(2) for j in range(60)] + ["web1", "web2", "db"]
    assert sorted(fold(names).split(",")) == ["a0-[0-59]", "a1-[0-59]", "db", "web[1-2]"]
