"""Fixtures that give SSH servers. A test that uses one of sshd's is marked ``sshd`` by itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from opsrun.lab import Lab
from opsrun.lab.openssh import obstacle

LAB_HOSTS = 52

SSHDFactory = Callable[..., Lab]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if {"lab", "few_hosts", "sshd"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.sshd)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("sshd") and (reason := obstacle()):
        pytest.skip(f"no real sshd: {reason}")
    if item.get_closest_marker("root") and os.geteuid() != 0:
        pytest.skip("needs root")


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Fifty-two hosts: web01 to web26, db01 to db13, app01 to app13, each with its own sshd.

    Shared by all tests: they may log in and run commands, and leave nothing behind.
    """
    directory = tmp_path_factory.mktemp("lab")
    with Lab(directory, hosts=LAB_HOSTS, server="sshd") as lab:
        yield lab


@pytest.fixture(scope="session")
def few_hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Five hosts: web01 to web03, db01 and app01, each with its own sshd; shared as ``lab`` is."""
    names = ("web01", "web02", "web03", "db01", "app01")
    with Lab(tmp_path_factory.mktemp("few"), hosts=names, server="sshd") as lab:
        yield lab


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[SSHDFactory]:
    """Makes labs of sshd for one test: ``sshd("MaxStartups 2:100:2", hosts=3)``.

    The words are further lines for sshd_config. ``hosts`` is a number or names; ``shared`` lets
    one sshd serve them all.
    """
    with ExitStack() as stack:

        def make(*options: str, hosts: int | Sequence[str] = 1, shared: bool = False) -> Lab:
            number = len(list(tmp_path.glob("sshd*")))
            made = Lab(
                tmp_path / f"sshd{number}",
                hosts=hosts,
                server="sshd",
                sshd_options=options,
                shared=shared,
            )
            return stack.enter_context(made)

        yield make


@pytest.fixture(scope="session")
def mock_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Four hosts of mock-ssh-server (web01, web02, db01, app01), shared by all tests.

    They run in a process of their own: their threads, and what their library warns of, are no
    concern of the tests.
    """
    with Lab(tmp_path_factory.mktemp("mock"), hosts=4, server="mock") as lab:
        yield lab


@pytest.fixture
def mock_with_password(tmp_path: Path) -> Iterator[Callable[[str], Lab]]:
    """Makes a lab of one mock host, web01, that also takes a password."""
    with ExitStack() as stack:
        yield lambda password: stack.enter_context(
            Lab(tmp_path / "mock", hosts=1, server="mock", password=password)
        )
