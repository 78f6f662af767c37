"""A plan makes one tree like another, does nothing twice, and touches nothing that is excluded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.trees.entry import Entry, Kind
from opsrun.trees.exclude import NOTHING, Excludes, parse_excludes
from opsrun.trees.plan import Comparison, Plan, by_digest, by_time, candidates, compare

S = 1_000_000_000


def entry(path: bytes, kind: Kind = Kind.FILE, **fields: object) -> Entry:
    made = Entry(path, kind, 0o755 if kind is Kind.DIRECTORY else 0o644, 0, S, 0, 0)
    return replace(made, **fields)  # type: ignore[arg-type]


def file(path: bytes, size: int = 1, **fields: object) -> Entry:
    return entry(path, Kind.FILE, size=size, **fields)


def directory(path: bytes, **fields: object) -> Entry:
    return entry(path, Kind.DIRECTORY, **fields)


def link(path: bytes, target: bytes = b"t", **fields: object) -> Entry:
    return entry(path, Kind.LINK, target=target, **fields)


EXACT = Comparison(by_time, mode=lambda source, _: source.mode, times=True, replace=True)

leaves = st.one_of(
    st.builds(
        lambda size, mtime, mode: file(b"", size, mtime=mtime * S, mode=mode),
        st.integers(0, 2),
        st.integers(1, 2),
        st.sampled_from([0o644, 0o600]),
    ),
    st.builds(lambda target: link(b"", target), st.sampled_from([b"t", b"u"])),
)
Tree = dict[bytes, object]
branches = st.recursive(
    leaves, lambda below: st.dictionaries(st.sampled_from([b"a", b"b", b"c"]), below), max_leaves=8
)
trees = st.dictionaries(st.sampled_from([b"a", b"b", b"c"]), branches)


def flat(tree: object, path: bytes = b"") -> list[Entry]:
    if isinstance(tree, Entry):
        return [replace(tree, path=path)]
    assert isinstance(tree, dict)
    found = [directory(path)]
    for name, below in tree.items():
        found += flat(below, path + b"/" + name if path else name)
    return found


def is_below(path: bytes, top: bytes) -> bool:
    return path == top or path.startswith(top + b"/")


def applied(plan: Plan, there: Iterable[Entry], *, delete: bool) -> dict[bytes, Entry]:
    """What is there when the plan was carried out, and that it can be carried out."""
    model = {known.path: known for known in there}
    removed = plan.in_the_way + (plan.extraneous if delete else ())
    for gone in removed:
        assert gone.path in model, "removed already, or never there"
        for path in [path for path in model if is_below(path, gone.path)]:
            del model[path]
    for new in plan.new:
        assert new.path not in model
        above = new.path.rpartition(b"/")[0]
        if new.path:
            assert model[above].kind is Kind.DIRECTORY
        model[new.path] = new
    for pair in plan.changed + plan.attributes:
        assert model[pair.there.path] == pair.there
        model[pair.source.path] = pair.source
    return model


def as_model(entries: Iterable[Entry]) -> dict[bytes, Entry]:
    return {known.path: known for known in entries}


@given(trees, trees)
def test_the_plan_makes_one_tree_of_the_other(source: Tree, there: Tree) -> None:
    ours, theirs = flat(source), flat(there)
    plan = compare(ours, theirs, EXACT)
    assert plan.conflicts == ()
    assert applied(plan, theirs, delete=True) == as_model(ours)
    counted = plan.new + plan.changed + plan.attributes
    assert len(counted) + plan.same == len(ours)


@given(trees, trees)
def test_without_deleting_nothing_is_lost(source: Tree, there: Tree) -> None:
    ours, theirs = flat(source), flat(there)
    plan = compare(ours, theirs, EXACT)
    after = applied(plan, theirs, delete=False)
    assert all(after[path] == entry for path, entry in as_model(ours).items())
    gone = as_model(theirs).keys() - after.keys()
    assert all(any(is_below(path, way.path) for way in plan.in_the_way) for path in gone)


@given(trees)
def test_equal_trees_need_nothing(tree: Tree) -> None:
    plan = compare(flat(tree), flat(tree), EXACT)
    assert plan == Plan(unchanged=plan.unchanged)
    assert plan.same == len(flat(tree))
    assert all(pair.source == pair.there for pair in plan.unchanged)
    assert plan.is_empty


@given(trees, trees)
def test_a_second_plan_is_empty(source: Tree, there: Tree) -> None:
    ours, theirs = flat(source), flat(there)
    after = applied(compare(ours, theirs, EXACT), theirs, delete=True)
    again = compare(ours, after.values(), EXACT)
    assert again.is_empty
    assert again.extraneous == ()


@given(trees, trees)
def test_without_replacing_what_is_in_the_way_stays(source: Tree, there: Tree) -> None:
    ours, theirs = flat(source), flat(there)
    plan = compare(ours, theirs, replace(EXACT, replace=False))
    assert plan.in_the_way == ()
    after = applied(plan, theirs, delete=True)
    for conflict in plan.conflicts:
        kept = {path for path in as_model(theirs) if is_below(path, conflict.there.path)}
        assert all(after[path] == as_model(theirs)[path] for path in kept)
        assert not any(is_below(new.path, conflict.source.path) for new in plan.new)
    blocked = [conflict.source.path for conflict in plan.conflicts]
    for path, wanted in as_model(ours).items():
        if not any(is_below(path, top) for top in blocked):
            assert after[path] == wanted


@given(
    trees,
    trees,
    st.lists(
        st.sampled_from(["a", "b/", "/a", "a/b", "/b/**", "c", "+ a/c"]), min_size=1, max_size=3
    ),
)
def test_what_is_excluded_is_not_touched(source: Tree, there: Tree, patterns: list[str]) -> None:
    exclude = parse_excludes(patterns)
    ours, theirs = flat(source), flat(there)
    plan = compare(ours, theirs, replace(EXACT, exclude=exclude))
    after = applied(plan, theirs, delete=True)
    for known in theirs:
        if exclude.covers(known.path, directory=known.kind is Kind.DIRECTORY):
            assert after[known.path] == known
    for new in plan.new:
        assert not exclude.covers(new.path, directory=new.kind is Kind.DIRECTORY)
    assert all(entry in after.values() for entry in _wanted(ours, plan, exclude))


def _wanted(ours: list[Entry], plan: Plan, exclude: Excludes) -> list[Entry]:
    blocked = [conflict.source.path for conflict in plan.conflicts]
    return [
        known
        for known in ours
        if not exclude.covers(known.path, directory=known.kind is Kind.DIRECTORY)
        and not any(is_below(known.path, top) for top in blocked)
    ]


def test_nothing_there_is_all_new() -> None:
    ours = [directory(b""), directory(b"d"), file(b"d/f")]
    assert compare(ours, [], EXACT).new == tuple(ours)


def test_the_order_is_that_of_a_walk_whatever_comes() -> None:
    ours = [file(b"d/f"), file(b"d-/f"), directory(b"d"), directory(b""), directory(b"d-")]
    assert [new.path for new in compare(ours, [], EXACT).new] == [b"", b"d", b"d/f", b"d-", b"d-/f"]


PAIRS = {
    "same": (file(b"f"), file(b"f"), "same"),
    "size": (file(b"f", 1), file(b"f", 2), "changed"),
    "time": (file(b"f", mtime=S), file(b"f", mtime=2 * S), "changed"),
    "part of a second": (file(b"f", mtime=S + 5), file(b"f", mtime=S), "same"),
    "before 1970": (file(b"f", mtime=-1), file(b"f", mtime=-S), "same"),
    "mode": (file(b"f", mode=0o600), file(b"f"), "attributes"),
    "owner": (file(b"f", uid=5), file(b"f"), "same"),
    "allocated": (file(b"f", allocated=0), file(b"f"), "same"),
    "link": (link(b"f"), link(b"f", mode=0o700, mtime=5 * S), "same"),
    "link elsewhere": (link(b"f", b"a"), link(b"f", b"b"), "changed"),
    "link for a file": (link(b"f"), file(b"f"), "changed"),
    "file for a link": (file(b"f"), link(b"f"), "conflicts"),
    "directory for a link": (directory(b"f"), link(b"f"), "conflicts"),
    "directory for a file": (directory(b"f"), file(b"f"), "conflicts"),
    "file for a directory": (file(b"f"), directory(b"f"), "conflicts"),
    "link for a directory": (link(b"f"), directory(b"f"), "conflicts"),
    "file for a fifo": (file(b"f"), entry(b"f", Kind.OTHER), "conflicts"),
    "fifo": (entry(b"f", Kind.OTHER), file(b"f"), "skipped"),
    "new fifo": (entry(b"f", Kind.OTHER), None, "skipped"),
    "directory": (directory(b"f"), directory(b"f"), "same"),
    "time of a directory": (directory(b"f", mtime=5 * S), directory(b"f"), "attributes"),
    "mode of a directory": (directory(b"f", mode=0o700), directory(b"f"), "attributes"),
}


@pytest.mark.parametrize("case", PAIRS)
def test_pairs(case: str) -> None:
    ours, theirs, where = PAIRS[case]
    plan = compare([ours], [theirs] if theirs else [], replace(EXACT, replace=False))
    filled = {
        name
        for name in ("new", "changed", "attributes", "conflicts", "extraneous", "skipped", "same")
        if getattr(plan, name)
    }
    assert filled == {where}


def test_a_conflict_says_what_is_in_the_way() -> None:
    plan = compare([file(b"d/f")], [link(b"d/f")], Comparison(by_time))
    assert [conflict.why for conflict in plan.conflicts] == [
        "is a link there, where a file should be"
    ]


def test_attributes_count_only_if_that_is_wanted() -> None:
    ours = [file(b"f", mode=0o600, mtime=5 * S), directory(b"d", mode=0o700, mtime=7 * S)]
    theirs = [file(b"f"), directory(b"d")]
    same = by_digest({b"f": "x"}, {b"f": "x"})
    assert compare(ours, theirs, Comparison(same)).same == 2
    assert len(compare(ours, theirs, Comparison(same, times=True)).attributes) == 2
    wanted = Comparison(same, mode=lambda source, there: 0o755)
    assert [pair.there.path for pair in compare(ours, theirs, wanted).attributes] == [b"f"]


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        ("x", "x", True),
        ("x", "y", False),
        ("x", None, False),
        (None, "x", False),
        (None, None, False),
    ],
)
def test_only_known_and_equal_digests_are_the_same(
    ours: str | None, theirs: str | None, same: bool
) -> None:
    by = by_digest({b"f": ours} if ours else {}, {b"f": theirs} if theirs else {})
    plan = compare([file(b"f", mtime=5)], [file(b"f")], Comparison(by))
    assert plan.is_empty == same


def test_candidates_are_files_of_the_same_size_that_are_not_excluded() -> None:
    ours = [file(b"a", 1), file(b"b", 2), file(b"c", 3), link(b"l"), directory(b"d"), file(b"x", 9)]
    theirs = [file(b"a", 1), file(b"b", 3), link(b"c"), link(b"l"), directory(b"d"), file(b"x", 9)]
    pairs = candidates(ours, theirs, parse_excludes(["x"]))
    assert [pair.source.path for pair in pairs] == [b"a"]
    assert len(candidates(ours, theirs)) == 2


def test_extraneous_is_the_topmost_only_and_never_what_holds_something_excluded() -> None:
    theirs = [directory(b""), directory(b"gone"), file(b"gone/f"), directory(b"part")]
    theirs += [file(b"part/f"), file(b"part/keep.log"), directory(b"part/e"), file(b"part/e/f")]
    exclude = parse_excludes(["*.log"])
    plan = compare([directory(b"")], theirs, Comparison(by_time, exclude=exclude))
    assert [gone.path for gone in plan.extraneous] == [b"gone", b"part/e", b"part/f"]
    plan = compare([directory(b"")], theirs, Comparison(by_time, exclude=NOTHING))
    assert [gone.path for gone in plan.extraneous] == [b"gone", b"part"]


def test_a_directory_in_the_way_that_holds_something_excluded_stays() -> None:
    theirs = [directory(b""), directory(b"x"), file(b"x/keep.log"), file(b"x/f")]
    exclude = parse_excludes(["*.log"])
    plan = compare(
        [directory(b""), file(b"x")], theirs, Comparison(by_time, replace=True, exclude=exclude)
    )
    assert [conflict.source.path for conflict in plan.conflicts] == [b"x"]
    assert (plan.in_the_way, plan.extraneous) == ((), ())


def test_a_file_where_an_excluded_directory_is() -> None:
    exclude = parse_excludes(["x/"])
    plan = compare(
        [directory(b""), file(b"x")],
        [directory(b""), directory(b"x")],
        Comparison(by_time, replace=True, exclude=exclude),
    )
    assert [conflict.why for conflict in plan.conflicts] == ["is excluded there"]


def test_a_source_without_its_directories_keeps_them() -> None:
    plan = compare([file(b"d/f")], [directory(b""), directory(b"d"), file(b"d/g")], EXACT)
    assert [gone.path for gone in plan.extraneous] == [b"d/g"]
