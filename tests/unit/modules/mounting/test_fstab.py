"""One entry of the table changes, and nothing else does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from opsrun.modules.mounting.fstab import Entry, Table, escaped, unescaped
from opsrun.modules.mounting.mounts import mounted_at

NAMES = st.text(st.sampled_from("ab/ \\\t0é"), min_size=1, max_size=6)
LINES = st.sampled_from(
    ["# x\n", "\n", "a /a ext4 ro\n", "a\t/b  xfs rw 0 0\r\n", "odd\n", "b /a tmpfs x 1 2 more\n"]
)
TABLES = st.lists(LINES, max_size=6).map("".join)


@given(NAMES)
def test_fields_come_back(text: str) -> None:
    assert unescaped(escaped(text)) == text
    assert not set(escaped(text)) & set(" \t\n")


@given(TABLES, NAMES, st.sampled_from(["/a", "/b", "/c d"]))
def test_the_law(text: str, src: str, path: str) -> None:
    entry = Entry(src, path, "ext4")
    after = Table(text).with_entry(entry)
    assert entry in after.entries()
    assert after.with_entry(entry) == after
    others = [each for each in Table(text).entries() if each.path != path]
    assert [each for each in after.entries() if each.path != path] == others
    gone = after.without(entry)
    assert all(each.path != path for each in gone.entries())
    assert gone == Table(text).without(entry)


def test_a_last_line_without_an_end() -> None:
    after = Table("a /a ext4 ro").with_entry(Entry("b", "/b", "xfs"))
    assert after.text == "a /a ext4 ro\nb /b xfs defaults 0 0\n"


def test_what_is_mounted_last_is_seen() -> None:
    text = (
        "22 1 0:3 / /srv/a\\040b rw shared:1 - tmpfs none rw\n"
        "23 1 8:1 /deep /srv/a\\040b ro master:2 shared:1 - ext4 /dev/sda1 rw\n"
        "makes no sense\n"
    )
    found = mounted_at(text, "/srv/a b")
    assert found is not None
    assert (found.src, found.fstype, found.root) == ("/dev/sda1", "ext4", "/deep")
    assert mounted_at(text, "/srv") is None
