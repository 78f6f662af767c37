"""Hosts of a run by how it ended for them, in patterns beside groups and files."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.journals import command, keep, work_of

from opsrun.errors import JournalError, OpsrunError, PatternError
from opsrun.events import Outcome
from opsrun.inventory import Inventory, load_inventory
from opsrun.journal.opening import to_write
from opsrun.journal.selecting import reader

ENDS = {
    "web1": Outcome.OK,
    "web2": Outcome.FAILED,
    "web3": Outcome.UNREACHABLE,
    "web4": Outcome.LOST,
    "web5": Outcome.CHANGED,
}
HOSTS = [f"web{number}" for number in range(1, 9)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "j.sqlite"
    ends = {host: (outcome, b"") for host, outcome in ENDS.items()}
    keep(file, command("abcd11110000", {**ends, "web6": (Outcome.CANCELLED, b"")}))
    keep(file, command("beef22220000", {"web1": (Outcome.OK, b"")}))
    return file


def inventory(path: Path) -> Inventory:
    return load_inventory([",".join([*HOSTS, ""])], of_run=reader(lambda: path))


def names(path: Path, pattern: str, limit: str | None = None) -> list[str]:
    return [host.name for host in inventory(path).select(pattern, limit=limit)]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("@last~1:failed", "2"),
        ("@abcd:unreachable", "3"),
        ("@abcd11110000:lost", "46"),
        ("@abcd:success", "15"),
        ("@abcd:changed", "5"),
        ("@abcd:failed+unreachable", "23"),
        ("@abcd:all:!@abcd:failed", "13456"),
        ("web[2-8],&@abcd:failed", "2"),
        ("&@abcd:failed+lost", "246"),
        ("@last:success web7", "17"),
        ("all:!@abcd:all", "78"),
    ],
)
def test_patterns(path: Path, pattern: str, expected: str) -> None:
    assert names(path, pattern) == [f"web{number}" for number in expected]
    assert names(path, "all", pattern) == [f"web{number}" for number in expected]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("@last:failed", "no host of run beef22220000 (1 hosts) is failed"),
        ("@last~7:failed", "the journal has 2"),
        ("@abcd:faild", "did you mean 'failed'?"),
        ("@dead:failed", "no run 'dead'"),
    ],
)
def test_what_is_not_there(path: Path, pattern: str, said: str) -> None:
    with pytest.raises(OpsrunError) as caught:
        names(path, pattern)
    assert said in str(caught.value)


def test_hosts_that_are_gone_from_the_inventory(path: Path) -> None:
    found = load_inventory(["web1,"], of_run=reader(lambda: path))
    with pytest.raises(PatternError, match="run abcd had 'web2', not in the inventory"):
        found.select("@abcd:failed")


def test_without_a_journal(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="there is no journal yet"):
        names(tmp_path / "none", "@last:failed")
    with pytest.raises(PatternError, match="no journal can be read here"):
        load_inventory(["web1,"]).select("@last:failed")


def test_files_and_groups_are_what_they_were(path: Path, tmp_path: Path) -> None:
    retry = tmp_path / "site.retry"
    retry.write_text("web3\n")
    source = tmp_path / "hosts"
    source.write_text("[last]\nweb1\nweb2\n[failed]\nweb3\n")
    found = load_inventory([str(source)], of_run=reader(lambda: path))
    assert [host.name for host in found.select("@last")] == ["web1", "web2"]
    assert [host.name for host in found.select("@last,@failed")] == ["web1", "web2", "web3"]
    assert [host.name for host in found.select("all", limit=f"@{retry}")] == ["web3"]


def test_what_is_lost_shows_when_the_run_has_ended(tmp_path: Path) -> None:
    file = tmp_path / "j.sqlite"
    ends = {"web1": (Outcome.OK, b"")}
    keep(file, command("abcd11110000", ends, HOSTS, ends=False), intents=[work_of("web2")])
    with pytest.raises(OpsrunError, match="still under way"):
        names(file, "@abcd:lost")
    # A run of this very process is none that "last" could mean.
    with pytest.raises(OpsrunError, match="still under way"):
        names(file, "@last:lost")
    connection = to_write(file)
    connection.execute("UPDATE runs SET process = 'x 1 2'")
    connection.close()
    assert names(file, "@last:lost") == HOSTS[1:]
