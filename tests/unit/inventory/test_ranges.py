"""Ranges against hand-made tables, and against ClusterShell."""

from __future__ import annotations

import pytest
from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet
from hypothesis import given
from hypothesis import strategies as st

from opsrun.inventory.ranges import LIMIT, RangeError, expand, fold, is_node_set

TABLE = {
    "web": ["web"],
    "web[1:3]": ["web1", "web2", "web3"],
    "web[01:03]": ["web01", "web02", "web03"],
    "web[08:11]": ["web08", "web09", "web10", "web11"],
    "web[8:11]": ["web8", "web9", "web10", "web11"],
    "web[1:010]": [f"web{n}" for n in range(1, 11)],
    "web[:2]": ["web0", "web1", "web2"],
    "web[1:9:4]": ["web1", "web5", "web9"],
    "web[01:20:10]": ["web01", "web11"],
    "db-[a:e:2].x": ["db-a.x", "db-c.x", "db-e.x"],
    "[y:B]": ["y", "z", "A", "B"],
    "[a:b][1:2]": ["a1", "a2", "b1", "b2"],
    "web[01-03]": ["web01", "web02", "web03"],
    "web[01-03,10]": ["web01", "web02", "web03", "web10"],
    "web[0-8/4]": ["web0", "web4", "web8"],
    "r[1-2]n[3,5]": ["r1n3", "r1n5", "r2n3", "r2n5"],
    "r[1:2]n[3-4]": ["r1n3", "r1n4", "r2n3", "r2n4"],
    "one[7]": ["one7"],
}
BAD = {
    "web[1:": "brackets don't match",
    "web1:3]": "brackets don't match",
    "web[[1:3]]": "brackets don't match",
    "web[1:]": "lacks its end",
    "web[01:003]": "same number of digits",
    "web[3:1]": "runs backwards",
    "web[c:a]": "runs backwards",
    "web[A:a]": "runs backwards",
    "web[1:a]": "two numbers or two letters",
    "web[a:1]": "two numbers or two letters",
    "web[aa:bb]": "two numbers or two letters",
    "web[ab:cd]": "from one letter to another",
    "web[1:5:0]": "must be a number above 0",
    "web[1:5:-1]": "must be a number above 0",
    "web[1:5:x]": "must be a number above 0",
    "web[1:2:3:4]": "too many colons",
    "web[]": "is no range",
    "web[a-c]": "is no range",
    "web[1,]": "is no range",
    "web[5-1]": "is no range",
    "web[٣:٤]": "two numbers or two letters",
    "web[1:2000000]": "more than",
    "web[1-2000000]": "more than",
    "w[1:1000][1:1000][1:2]": "the limit is",
}


@pytest.mark.parametrize(("pattern", "names"), TABLE.items())
def test_expand_gives_every_name_in_order(pattern: str, names: list[str]) -> None:
    assert expand(pattern) == names


@pytest.mark.parametrize(("pattern", "words"), BAD.items())
def test_a_bad_range_is_refused_in_words(pattern: str, words: str) -> None:
    with pytest.raises(RangeError) as caught:
        expand(pattern)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("web[1-3]", True),
        ("web[1,3]", True),
        ("r[1]n[1-3]", True),
        ("web[1]", False),
        ("web[1:3]", False),
        ("web[a-c]", False),
        ("web", False),
        ("web[-1]", False),
        ("web[1-3]*", True),
    ],
)
def test_node_sets_are_told_from_subscripts_and_globs(text: str, verdict: bool) -> None:
    assert is_node_set(text) is verdict


numbers = st.integers(0, 3_000)
name_parts = st.text("abz-.", min_size=1, max_size=5).map(lambda text: f"n{text}")


@given(name_parts, numbers, st.integers(0, 60), st.integers(1, 7), st.integers(1, 5))
def test_colon_ranges_are_what_counting_gives(
    base: str, first: int, length: int, step: int, width: int
) -> None:
    last = first + length
    begin = str(first).zfill(width)
    padded = len(begin) > 1 and begin.startswith("0")
    end = str(last).zfill(len(begin)) if padded else str(last)
    if padded and len(end) != len(begin):
        return
    expected = [f"{base}{n:0{len(begin) if padded else 0}}" for n in range(first, last + 1, step)]
    assert expand(f"{base}[{begin}:{end}:{step}]") == expected


@given(name_parts, st.lists(st.tuples(numbers, st.integers(0, 20)), min_size=1, max_size=4))
def test_node_sets_are_read_as_by_clustershell(base: str, spans: list[tuple[int, int]]) -> None:
    inner = ",".join(f"{first:04}-{first + length:04}" for first, length in spans)
    text = f"{base}[{inner}]"
    assert expand(text) == list(NodeSet(text, resolver=RESOLVER_NOGROUP))


@given(st.lists(st.tuples(st.sampled_from(["web", "db", "r1n"]), st.integers(0, 40)), max_size=30))
def test_fold_loses_and_invents_nothing(parts: list[tuple[str, int]]) -> None:
    names = {f"{base}{number:02}" for base, number in parts}
    folded = fold(names)
    unfolded = NodeSet(folded, resolver=RESOLVER_NOGROUP) if folded else []
    assert set(unfolded) == names


def test_fold_leaves_names_alone_that_a_node_set_can_not_hold() -> None:
    assert fold(["2001:db8::1", "web2", "web1", "a!b", "web1"]) == "web[1-2],2001:db8::1,a!b"
    assert fold([]) == ""


def test_the_largest_pattern_is_still_expanded() -> None:
    assert len(expand(f"web[1:{LIMIT}]")) == LIMIT
