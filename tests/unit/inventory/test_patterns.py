"""Which hosts a pattern means; what Ansible says of the same patterns is in its own test."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.errors import PatternError
from opsrun.inventory.patterns import evaluate, parse


@dataclass
class World:
    """A universe of names for patterns."""

    table: dict[str, list[str]]
    extra: Sequence[str] = ()

    @property
    def hosts(self) -> Mapping[str, object]:
        every = [*self.extra, *(host for members in self.table.values() for host in members)]
        return dict.fromkeys(every)

    @property
    def groups(self) -> Mapping[str, object]:
        return dict.fromkeys(["all", *self.table])

    def members(self, group: str) -> Sequence[str]:
        return list(self.hosts) if group == "all" else self.table[group]


WORLD = World(
    {
        "web": [f"web{n:02}" for n in range(1, 6)],
        "db": ["db1", "db2", "web01"],
        "rack": ["r1n1", "r1n2", "r2n1", "r2n2"],
        "empty": [],
    },
    extra=["lone", "2001:db8::1"],
)

TABLE = {
    "web[01-03]": "web01 web02 web03",
    "web[01-02,05]": "web01 web02 web05",
    "web[01-03]:!web[02,03]": "web01",
    "r[1-2]n[1]": "r1n1 r2n1",
    "r1n[1]": "r1n1",
    "db[1]": "db2",
    "db[0:1]": "db1 db2",
    "@web:&@db": "web01",
    "2001:db8::1": "2001:db8::1",
    "2001:db8::1,lone": "2001:db8::1 lone",
    "!2001:db8::1,rack,lone": "r1n1 r1n2 r2n1 r2n2 lone",
    "web0[!1]": "web02 web03 web04 web05",
    "web0[ab12]": "web01 web02",
    "~web0(1|2):lone": "web01 web02 lone",
    "~web\\d{1,2}$:!~.*[3:5]": "web01 web02 web04",
    "~(?:web|lone)$": "web01 web02 web03 web04 web05 lone",
    "empty:lone": "lone",
    "lone:!*": "",
    "empty": "",
    "web:&empty": "",
    "127.0.0.1:lone": "127.0.0.1 lone",
    "  lone , web[0] ": "lone web01",
    "::1": "::1",
}


@pytest.mark.parametrize(("pattern", "names"), TABLE.items())
def test_a_pattern_means_these_hosts(pattern: str, names: str) -> None:
    assert evaluate(pattern, WORLD) == names.split()


WRONG = {
    "wbe": "no host or group is named 'wbe'; did you mean 'web'?",
    "WEB": "no host or group is named 'WEB'",
    "web:!wbe": "did you mean 'web'?\n  web:!wbe\n       ^",
    "web:&dbb": "did you mean 'db'?\n  web:&dbb\n       ^",
    "web[04-07]": "not in the inventory: web06, web07",
    "web[0-5]": "'web' is a group: positions in it are written web[0:5]",
    "web[01-99]": "web06, web07, web08 and 91 more",
    "web[9]": "'web' has 5 hosts, so there is no [9]",
    "web[-9]": "'web' has 5 hosts, so there is no [-9]",
    "empty[0]": "'empty' has 0 hosts",
    "nope[0]": "no host or group is named 'nope[0]'",
    "n[1:3]": "a set of hosts is written n[1-3]",
    "web[01-03": "a ']' is missing",
    "web[5-1]": "is no range",
    "~[": "bad regular expression: unterminated character set\n",
    "web:~(a": "bad regular expression: missing ), unterminated subpattern\n  web:~(a\n       ^",
    "": "the host pattern is empty",
    " , : ": "the host pattern is empty",
    "web:!": "a name must follow '!'\n  web:!\n      ^",
    "@": "a file's name must follow '@'",
    "@web2": "no file can be named here, and no group of that name",
}


@pytest.mark.parametrize(("pattern", "words"), WRONG.items())
def test_a_wrong_pattern_is_refused_in_words(pattern: str, words: str) -> None:
    with pytest.raises(PatternError) as caught:
        evaluate(pattern, WORLD)
    text = str(caught.value)
    assert words.rstrip("\n") in text


def test_the_position_of_a_bad_regex_is_that_of_its_fault() -> None:
    with pytest.raises(PatternError) as caught:
        evaluate("lone,~web[a", WORLD)
    *_, pattern, caret = str(caught.value).splitlines()
    assert pattern[caret.index("^")] == "["


def test_files_give_names() -> None:
    files = {"failed.txt": ["web02", "lone"], "web": ["lone"], "odd": ["web2"]}
    assert evaluate("@failed.txt", WORLD, files.get) == ["web02", "lone"]
    assert evaluate("web:&^failed.txt", WORLD, files.get) == ["web02"]
    assert evaluate("^web", WORLD, files.get) == ["lone"]
    assert evaluate("@web:lone", WORLD, files.get)[-1] == "lone"


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("@nope", "there is no file 'nope', and no group of that name"),
        ("^nope", "there is no file 'nope'"),
        ("@odd", "odd names 'web2', not in the inventory"),
    ],
)
def test_files_that_are_no_good_are_errors(pattern: str, words: str) -> None:
    with pytest.raises(PatternError) as caught:
        evaluate(pattern, WORLD, {"odd": ["web2"]}.get)
    assert words in str(caught.value)


def test_a_host_wins_over_a_group_of_its_name_and_at_means_the_group() -> None:
    world = World({"web": ["a", "b"]}, extra=["web"])
    assert evaluate("web", world) == ["web"]
    assert evaluate("@web", world) == ["a", "b"]
    assert evaluate("all:!@web", world) == ["web"]


def test_terms_keep_their_column() -> None:
    terms = parse("web, &db:!x[1:2]")
    assert [(t.operator, t.text, t.column) for t in terms] == [
        ("", "web", 1),
        ("&", "db", 7),
        ("!", "x[1:2]", 11),
    ]


names = st.sampled_from([f"h{n}" for n in range(12)])
worlds = st.dictionaries(
    st.sampled_from(["ga", "gb", "gc"]), st.lists(names, unique=True, max_size=8), min_size=1
).map(World)


@st.composite
def patterns(draw: st.DrawFn) -> tuple[World, list[tuple[str, str]]]:
    world = draw(worlds)
    known = [*world.groups, *world.hosts]
    operators = st.sampled_from(["", "&", "!"])
    terms = st.tuples(operators, st.sampled_from(known))
    return world, draw(st.lists(terms, min_size=1, max_size=6))


def members(world: World, name: str) -> set[str]:
    return {name} if name in world.hosts else set(world.members(name))


@given(patterns(), st.sampled_from([":", ",", " ", " , "]))
def test_unions_come_first_then_intersections_then_exclusions(
    drawn: tuple[World, list[tuple[str, str]]], separator: str
) -> None:
    world, terms = drawn
    plain = [members(world, name) for operator, name in terms if not operator]
    expected = set().union(*plain) if plain else set(world.hosts)
    for operator, name in terms:
        if operator == "&":
            expected &= members(world, name)
    for operator, name in terms:
        if operator == "!":
            expected -= members(world, name)
    found = evaluate(separator.join(operator + name for operator, name in terms), world)
    assert set(found) == expected
    assert len(found) == len(set(found))


@given(st.text("web0[]!&~:,@^*?-()1 {}", max_size=14))
def test_any_text_is_evaluated_or_refused(pattern: str) -> None:
    with contextlib.suppress(PatternError):
        assert set(evaluate(pattern, WORLD, {}.get)) <= {*WORLD.hosts, "localhost"}
