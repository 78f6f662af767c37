"""What runs cost: round trips, channels, bytes, and processes on the hosts; never more than stands.

Counted, not timed: see ``benchmarks/harness/lockstep.py``. A change that makes a run cheaper is
written down by ``python tests/tools/count.py``, so that no later one takes it back.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.counting import CountedHosts, obstacle
from support import counted
from support.counted import CASES, Case, Table

pytestmark = [pytest.mark.sshd, pytest.mark.root]


@pytest.fixture(scope="module")
def hosts() -> Iterator[CountedHosts]:
    """Hosts behind a wire that counts."""
    if reason := obstacle():
        pytest.skip(f"{reason}: it takes root")
    with counted.counted_hosts() as hosts:
        yield hosts


@pytest.fixture(scope="module")
def table() -> Table:
    return counted.load_table()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_run_costs_no_more_than_it_did(case: Case, hosts: CountedHosts, table: Table) -> None:
    software = counted.software(hosts)
    found = {
        run: table.excess(case, run, row, software)
        for run, row in counted.count(case, hosts).items()
    }
    assert not any(found.values()), found


def test_every_run_is_in_the_table(table: Table) -> None:
    assert list(table.rows) == [run for case in CASES for run in case.rows()]


def test_all_playbooks_are_counted() -> None:
    words = {word for case in CASES for run in case.runs.values() for word in run}
    files = {str(path) for path in Path(counted.FOLDER).glob("*.yml")}
    assert files
    assert files <= words
