"""What the contract suites share, first of all the engine: whichever this process can have.

They run twice: in an ordinary process on threads, and under tests/tools/pytest_gevent.py, which
patches its process first, on greenlets.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.copying import Copying, copying
from support.descriptors import left_open, open_now
from support.engines import make_engine
from support.reach import Reach, local, over_ssh

from opsrun.engine.base import Engine


@pytest.fixture
def engine() -> Iterator[Engine]:
    """An engine that has to be idle at the end of the test."""
    engine = make_engine()
    yield engine
    assert engine.close(10.0), "tasks were left behind"


@pytest.fixture(autouse=True)
def _nothing_is_left_open(request: pytest.FixtureRequest) -> Iterator[None]:
    # What lives as long as the session is there before the count.
    for name in {"lab", "mock_host"} & set(request.fixturenames):
        request.getfixturevalue(name)
    before = open_now()
    yield
    left = left_open(before)
    assert not left, f"descriptors left open: {sorted(left)}"


@pytest.fixture(params=["local", "sshd"])
def copy(request: pytest.FixtureRequest) -> Iterator[Copying]:
    """Copies to and from one host, by either way."""

    def make(engine: Engine) -> Reach:
        if request.param == "local":
            return local(engine)
        lab = request.getfixturevalue("lab")
        return over_ssh(engine, lab, "web01", "sshd", kills=True)

    with copying(make) as copy:
        yield copy


@pytest.fixture
def near() -> Iterator[Copying]:
    """Copies to and from a shell of this machine."""
    with copying(local) as copy:
        yield copy
