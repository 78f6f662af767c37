"""The value of ``omit``."""

from __future__ import annotations

import copy
import pickle

from opsrun.playbook.templating.omit import OMIT, Omit, without_omitted


def test_there_is_one() -> None:
    assert Omit() is OMIT
    assert copy.copy(OMIT) is copy.deepcopy(OMIT) is OMIT
    assert pickle.loads(pickle.dumps(OMIT)) is OMIT
    assert repr(OMIT) == "omit"
    assert OMIT != "omit"


def test_entries_that_came_to_it_are_left_out() -> None:
    given = {"a": OMIT, "b": {"c": OMIT, "d": [1, OMIT, {"e": OMIT}]}, "f": None, "g": "omit"}
    assert without_omitted(given) == {"b": {"d": [1, {}]}, "f": None, "g": "omit"}
    assert given["a"] is OMIT
