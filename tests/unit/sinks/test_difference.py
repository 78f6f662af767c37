from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.sinks import difference
from opsrun.sinks.difference import differences

texts = st.lists(st.sampled_from(["a", "b", "c"]), max_size=12)


def patched(old: list[str], hunks: list[str]) -> list[str]:
    """Apply a unified diff the slow and plain way."""
    new, place = [], 0
    for line in hunks:
        if line.startswith("@@"):
            start, _, count = line.split()[1].removeprefix("-").partition(",")
            at = int(start) if count == "0" else int(start) - 1
            new += old[place:at]
            place = at
        elif line[0] == "+":
            new.append(line[1:])
        else:
            assert old[place] == line[1:]
            new += [line[1:]] if line[0] == " " else []
            place += 1
    return new + old[place:]


@pytest.mark.parametrize("limit", [0, 5000])
@given(old=texts, new=texts)
def test_the_old_text_with_its_differences_is_the_new_one(
    limit: int, old: list[str], new: list[str]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(difference, "MAX_LINES", limit)
        hunks = list(differences(old, new))
    assert patched(old, hunks) == new
    assert bool(hunks) == (old != new)
