"""``--canary`` on real SSH hosts: a few of them first, and the others only if all is well."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from support.background import finished, opsrun_started
from support.cli import Ran, opsrun
from support.lab_fixtures import SSHDFactory

from opsrun import Fleet
from opsrun.lab import Lab

HOSTS = [f"web{number:02}" for number in range(1, 11)]


def canary(lab: Lab, tmp_path: Path, command: str, *words: str) -> tuple[Ran, list[str]]:
    """Run a command on ten hosts, 1, 20 % and all the others; and who was worked on, in order."""
    done = tmp_path / "done"
    ran = opsrun(
        "exec", "-i", lab.inventory, "-w", "web[01-10]", "--canary", "1,20%", *words,
        "--", f'echo "$OPSRUN_HOST" >>{done}; {command}',
    )  # fmt: skip
    return ran, done.read_text().split()


@pytest.mark.parametrize("engine", ["gevent", "threads"])
def test_all_in_three_batches(lab: Lab, tmp_path: Path, engine: str) -> None:
    ran, order = canary(lab, tmp_path, "true", "-v", "--engine", engine)
    assert ran.status == 0, ran.err
    assert order[0] == "web01"
    assert sorted(order[1:3]) == HOSTS[1:3]
    assert sorted(order[3:]) == HOSTS[3:]
    assert "canary: batch 2 of 3 has ended well (ok 2); the next follows" in ran.err


def test_a_first_host_that_fails_is_the_only_one(lab: Lab, tmp_path: Path) -> None:
    ran, order = canary(lab, tmp_path, "exit 3")
    assert (ran.status, order) == (1, ["web01"])
    assert (
        "stopped early; not finished: web[02-10]: the canary stopped behind batch 1 of 3 "
        "(1 of 10 hosts were worked on): web01 failed: exit status 3"
    ) in ran.err


def test_so_is_a_second_batch_that_ends_otherwise(lab: Lab, tmp_path: Path) -> None:
    ran, order = canary(lab, tmp_path, '[ "$OPSRUN_HOST" != web03 ]', "-o", "json")
    assert (ran.status, sorted(order)) == (1, HOSTS[:3])
    outcomes = {host: result["outcome"] for host, result in ran.results.items()}
    assert outcomes == {
        "web01": "ok", "web02": "ok", "web03": "failed", **dict.fromkeys(HOSTS[3:], "cancelled"),
    }  # fmt: skip
    reason = ran.results["web10"]["error"]["message"]
    assert reason.startswith("the canary stopped behind batch 2 of 3 (3 of 10 hosts")


def test_a_host_that_is_not_well_afterwards_has_failed(lab: Lab, tmp_path: Path) -> None:
    well = f"cmd:test -e {tmp_path}/well-$OPSRUN_HOST"
    command = f'[ "$OPSRUN_HOST" = web02 ] || : >{tmp_path}/well-"$OPSRUN_HOST"'
    ran, order = canary(
        lab, tmp_path, command, "-o", "json", "--health", well, "--health-timeout", "2"
    )
    assert (ran.status, sorted(order)) == (1, HOSTS[:3])
    ill = ran.results["web02"]
    assert (ill["outcome"], ill["rc"], ill["error"]["phase"]) == ("failed", 0, "wait")
    assert ill["error"]["message"].startswith(f"not well: {well} was not ready after 2")
    assert ran.results["web01"]["data"]["health"][well]["attempts"] >= 1
    assert "web02 failed: not well" in ran.results["web09"]["error"]["message"]


@pytest.mark.parametrize("engine", ["gevent", "threads"])
def test_health_is_looked_at_when_all_of_the_batch_have_ended(
    lab: Lab, tmp_path: Path, engine: str
) -> None:
    """web02 is well behind its own command, and no more behind web03's, which comes after it."""
    command = f'[ "$OPSRUN_HOST" != web03 ] || : >{tmp_path}/overloaded'
    health = f"cmd:! test -e {tmp_path}/overloaded"
    ran, order = canary(
        lab, tmp_path, command, "-f", "1", "-o", "jsonl", "--engine", engine,
        "--health", health, "--health-timeout", "1",
    )  # fmt: skip
    assert (ran.status, order) == (1, HOSTS[:3])
    events = [json.loads(line) for line in ran.out.splitlines()]
    ends = {event["host"]: event for event in events if event["type"] == "result"}
    assert [ends[host]["outcome"] for host in HOSTS[:4]] == ["ok", "failed", "failed", "cancelled"]
    for host in ("web02", "web03"):
        assert (ends[host]["rc"], ends[host]["error"]["phase"]) == (0, "wait")
        assert ends[host]["error"]["message"].startswith(f"not well: {health} was not ready after")
    said = [(event["type"], event.get("host")) for event in events]
    assert said.index(("start", "web03")) < said.index(("result", "web02"))
    stopped = ends["web10"]["error"]["message"]
    assert "behind batch 2 of 3 (3 of 10 hosts were worked on): " in stopped
    assert stopped.endswith("and 1 more did not end well")


@pytest.mark.parametrize("engine", ["gevent", "threads"])
def test_one_that_is_interrupted_between_command_and_health_is_cancelled(
    lab: Lab, tmp_path: Path, engine: str
) -> None:
    """web01 has done its command, and its batch has not: both have a result, and none is well."""
    os.mkfifo(tmp_path / "begun")
    command = f'[ "$OPSRUN_HOST" = web01 ] || {{ echo >{tmp_path}/begun; exec sleep 600; }}'
    running = opsrun_started(
        "exec", "-i", str(lab.inventory), "-w", "web01,web02,web03", "--engine", engine, "-f", "1",
        "-o", "json", "--canary", "2", "--health", "ssh", "--", command, cwd=tmp_path,
    )  # fmt: skip
    assert (tmp_path / "begun").read_text() == "\n"
    running.send_signal(signal.SIGINT)
    status, out, err = finished(running)
    assert status == 130, err
    results = {each["host"]: each for each in json.loads(out)["results"]}
    assert {host: result["outcome"] for host, result in results.items()} == dict.fromkeys(
        HOSTS[:3], "cancelled"
    )
    assert (results["web01"]["rc"], results["web01"]["error"]["phase"]) == (0, "wait")
    assert results["web03"]["error"]["phase"] == "queued"


@pytest.mark.parametrize("engine", ["gevent", "threads"])
def test_one_login_a_host_whatever_is_looked_at(
    sshd: SSHDFactory, tmp_path: Path, engine: str
) -> None:
    made = sshd(hosts=["web01", "web02", "web03"])
    tries = tmp_path / "tries"
    ran = opsrun(
        "exec", "-i", made.inventory, "-w", "all", "-o", "json", "--engine", engine,
        "--when-ready", f"cmd:f={tries}.$OPSRUN_HOST; echo >>$f; test $(wc -l <$f) -ge 3",
        "--then-wait", "cmd:true", "--canary", "1", "--health", f"file:{tries}.web01",
        "--", "echo $OPSRUN_HOST",
    )  # fmt: skip
    assert ran.status == 0, ran.out + ran.err
    for host, result in ran.results.items():
        assert result["stdout"] == f"{host}\n"
        [ready] = result["data"]["when_ready"].values()
        assert ready["attempts"] == 3
        assert list(result["data"]) == ["when_ready", "then_wait", "health"]
        assert made.log(host).read_text().count("Accepted publickey") == 1, host


def test_its_health_is_waited_for(lab: Lab, tmp_path: Path) -> None:
    """A host that takes a little to be well again is well."""
    later = f'(sleep 1; : >{tmp_path}/"$OPSRUN_HOST") >/dev/null 2>&1 </dev/null &'
    words = ("--health", f"file:{tmp_path}/web01", "-o", "json")
    ran, order = canary(lab, tmp_path, later, *words)
    assert ran.status == 0, ran.err
    assert len(order) == 10


def test_the_log_counts_from_before_the_command(lab: Lab, tmp_path: Path) -> None:
    """What it writes at once is not missed, and what stood there before is no news."""
    log = tmp_path / "log"
    log.write_text("started\n")
    words = ("--health", f"log:{log}:^started by ", "--health-timeout", "60")
    ran, _ = canary(lab, tmp_path, f'echo "started by $OPSRUN_HOST" >>{log}', *words)
    assert ran.status == 0, ran.err
    words = ("--health", f"log:{log}:^started", "--health-timeout", "2")
    ran, order = canary(lab, tmp_path, ":", *words)
    assert (ran.status, order[10:]) == (1, ["web01"])


def test_from_python(lab: Lab, tmp_path: Path) -> None:
    fleet = Fleet(str(lab.inventory), engine="threads")
    command = f'echo "$OPSRUN_HOST" >>{tmp_path}/done; [ "$OPSRUN_HOST" = web01 ]'
    report = fleet.exec(
        command, hosts="web[01-10]", canary=(1, "20%"), health="ssh", health_timeout=60
    )
    assert [result.host for result in report.ok] == ["web01"]
    assert sorted(result.host for result in report.failed) == HOSTS[1:3]
    assert sorted(result.host for result in report.cancelled) == HOSTS[3:]
    assert report["web01"].data["health"]["ssh"]["attempts"] == 1


def test_then_wait_without_a_reboot(lab: Lab, tmp_path: Path) -> None:
    ran = opsrun(
        "exec", "-i", lab.inventory, "-w", "web01", "-o", "json",
        "--then-wait", f"file:{tmp_path}/up", "--then-wait", f"log:{tmp_path}/log:ready",
        "--", f"echo ready >>{tmp_path}/log; : >{tmp_path}/up",
    )  # fmt: skip
    assert ran.status == 0, ran.err
    waited = ran.results["web01"]["data"]["then_wait"]
    assert list(waited) == [f"file:{tmp_path}/up", f"log:{tmp_path}/log:ready"]
