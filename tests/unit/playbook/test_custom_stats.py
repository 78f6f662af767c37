"""What set_stats leaves: added up, for the run and for hosts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.playruns import run, tasks

from opsrun.events import CustomStats
from opsrun.playbook.messages import Exports, Stats, TaskEnded
from opsrun.playbook.stats import HIDDEN
from opsrun.playbook.stats import CustomStats as Folded
from opsrun.report import Report
from opsrun.results import Outcome


def folded(*values: Any, aggregate: bool = True) -> Any:
    stats = Folded()
    for value in values:
        exports = Exports(stats=(Stats({"x": value}, aggregate=aggregate),))
        stats.fold(TaskEnded("h", "t", 1, Outcome.OK, exports=exports))
    return stats.run["x"]


@pytest.mark.parametrize(
    ("values", "sum_"),
    [
        ((1, 2, 3), 6),
        (("a", "b"), "ab"),
        (([1], [2]), [1, 2]),
        (({"a": {"b": 1}, "l": [1]}, {"a": {"c": 2}, "l": [2]}), {"a": {"b": 1, "c": 2}, "l": [2]}),
        (([1], "x"), [1]),
        ((None, 1), None),
        ((1.5, 1), 1.5),
        ((1, True), 2),
        (({"a": 1}, 5), {"a": 1}),
    ],
)
def test_values_are_added_up_as_ansible_does(values: tuple[Any, ...], sum_: Any) -> None:
    assert folded(*values) == sum_


def test_without_aggregate_the_last_one_stands() -> None:
    assert folded(1, 2, aggregate=False) == 2


def test_a_run_tells_them_once_at_its_end(tmp_path: Path) -> None:
    ran = run(
        tmp_path,
        tasks(
            "set_stats: {data: {n: 1, host: '{{ inventory_hostname }}'}, per_host: true}",
            "set_stats: {data: {n: '{{ item }}'}}\n    loop: [1, 2]",
            "set_stats: {data: {once: 1}, per_host: true}\n    run_once: true",
            "set_stats: {data: {secret: canary}}\n    no_log: true",
            "{set_stats: {data: {failed: 1}}, failed_when: true, ignore_errors: true}",
        ),
        "h1,h2,",
    )
    [told] = [each for each in ran.events if isinstance(each, CustomStats)]
    assert told.run == {"n": 6, "secret": HIDDEN}
    assert told.hosts["h1"] == {"n": 1, "host": "h1", "once": 1}
    assert told.hosts["h2"] == {"n": 1, "host": "h2", "once": 1}
    assert Report(ran.events).stats == told
    assert "canary" not in str([each.to_dict() for each in ran.events])


def test_a_run_without_any_says_nothing(tmp_path: Path) -> None:
    ran = run(tmp_path, tasks("debug: "))
    assert not [each for each in ran.events if isinstance(each, CustomStats)]
    assert Report(ran.events).stats is None


@pytest.mark.parametrize("words", ["{data: {no-name: 1}}", "{data: x}", "{data: {a: 1}, odd: 1}"])
def test_what_is_no_set_of_values(tmp_path: Path, words: str) -> None:
    ran = run(tmp_path, tasks(f"{{name: a, set_stats: {words}}}"))
    assert ran.ends == {"h1": "failed"}
