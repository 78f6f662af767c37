"""``opsrun ping`` on real SSH hosts."""

from __future__ import annotations

import pytest
from support.cli import opsrun

from opsrun import Fleet
from opsrun.lab import Lab


def test_a_series_over_one_login(lab: Lab) -> None:
    ran = opsrun("ping", "-i", lab.inventory, "-w", "web[01-02]", "--count", "4", "-o", "json")
    assert ran.status == 0, ran.err
    for result in ran.results.values():
        data = result["data"]
        assert (data["sent"], data["received"], data["loss"]) == (4, 4, 0.0)
        assert 0 < data["min"] <= data["avg"] <= data["max"]


def test_people_read_it_in_one_line(lab: Lab) -> None:
    ran = opsrun("ping", "-i", lab.inventory, "-w", "web01", "--count", "2", "--wait", "60")
    assert ran.status == 0, ran.err
    assert "loss=0" in ran.out
    assert "sent=2 received=2" in ran.out


@pytest.mark.parametrize("count", ["0", "-1", "many"])
def test_a_count_is_a_number_from_one_on(count: str) -> None:
    ran = opsrun("ping", "-w", "all", "--count", count)
    assert ran.status == 2
    assert "--count" in ran.err


def test_from_python(lab: Lab) -> None:
    fleet = Fleet(str(lab.inventory), engine="threads")
    assert fleet.ping("web01", count=3, patience=60.0)["web01"].data["received"] == 3
