"""Arguments at the edge of what filters take; what is made of them is ansible-core 2.18's."""

from __future__ import annotations

import pytest

from opsrun.playbook.templating.filters.comments import comment
from opsrun.playbook.templating.filters.mappings import subelements
from opsrun.playbook.templating.library import PluginError


@pytest.mark.parametrize(
    ("options", "made"),
    [
        ({"prefix": "\n"}, "\n# x\n#"),
        ({"prefix": "\n", "prefix_count": 3}, "\n\n\n# x\n#"),
        ({"prefix": "a\n"}, "a\n\n# x\n#"),
        ({"prefix": "", "postfix": ""}, "# x\n"),
        ({"postfix": "\n", "postfix_count": 3}, "#\n# x\n\n\n\n\n\n"),
    ],
)
def test_a_line_end_before_a_comment_is_one_empty_line(
    options: dict[str, str | int], made: str
) -> None:
    assert comment("x", **options) == made


@pytest.mark.parametrize("entries", [{}, [], [{"a": [1]}]])
def test_a_path_that_is_none_is_refused_whatever_it_is_asked_of(
    entries: dict[str, int] | list[dict[str, int]],
) -> None:
    with pytest.raises(PluginError, match="expects a key or a list of keys, not a number"):
        subelements(entries, 17)


def test_pairs_are_tuples_until_they_are_a_value() -> None:
    assert subelements([{"a": [1]}], "a") == [({"a": [1]}, 1)]
