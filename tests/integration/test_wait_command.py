"""``opsrun wait`` and ``exec --when-ready`` on real SSH hosts, as an operator uses them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.background import finished, opsrun_started
from support.cli import opsrun
from support.lab_fixtures import SSHDFactory

from opsrun.lab import Lab

ENGINES = ("gevent", "threads")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_kind_of_check(lab: Lab, engine: str, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.touch()
    port = lab.hosts[0].port
    checks = [
        "ssh", f"tcp:{port}", f"tcp:{lab.hosts[0].address}:{port}", "port-free:1", "cmd:true",
        f"file:{there}", "all(db[01-03]) ssh", f"any 1 of(app[01-02]) file:{there}",
        f"all(web01) tcp:{port}",
    ]  # fmt: skip
    words = [word for check in checks for word in ("--for", check)]
    ran = opsrun(
        "wait", "-i", lab.inventory, "-w", "web01", "--engine", engine, "-o", "json", *words
    )
    assert ran.status == 0, ran.out
    assert list(ran.results) == ["web01"], "the others were looked at, and are none of the run's"
    assert list(ran.results["web01"]["data"]) == checks


def test_a_command_starts_where_its_gate_opens(lab: Lab, engine: str, tmp_path: Path) -> None:
    waiting = opsrun_started(
        "exec", "-i", str(lab.inventory), "-w", "web01,web02", "--engine", engine, "-o", "json",
        "--when-ready", f"cmd:test -e {tmp_path}/go.$OPSRUN_HOST", "--ready-timeout", "20",
        "--", "echo $OPSRUN_HOST went", cwd=tmp_path,
    )  # fmt: skip
    (tmp_path / "go.web01").touch()
    status, out, err = finished(waiting)
    assert status == 1, err
    results = {each["host"]: each for each in json.loads(out)["results"]}
    assert results["web01"]["stdout"] == "web01 went\n"
    assert results["web02"]["stdout"] == ""
    assert results["web02"]["error"]["phase"] == "wait"
    assert "was not ready after " in results["web02"]["error"]["message"]


def test_one_login_a_host_for_all_attempts(sshd: SSHDFactory, tmp_path: Path) -> None:
    made = sshd(hosts=["web01"])
    path = tmp_path / "n"
    ran = opsrun(
        "wait", "-i", made.inventory, "-w", "all", "-o", "json",
        "--for", f"cmd:echo >>{path}; test $(wc -l <{path}) -ge 4",
    )  # fmt: skip
    assert ran.status == 0, ran.out
    [figures] = ran.results["web01"]["data"].values()
    assert figures["attempts"] == 4
    assert made.log("web01").read_text().count("Accepted publickey") == 1


def test_one_login_a_host_for_the_probe_and_the_command(
    sshd: SSHDFactory, engine: str, tmp_path: Path
) -> None:
    made = sshd(hosts=["web01", "web02"])
    ran = opsrun(
        "exec", "-i", made.inventory, "-w", "all", "-o", "json", "--engine", engine,
        "--when-ready", f"cmd:mkdir {tmp_path}/$OPSRUN_HOST || test -d {tmp_path}/web02",
        "--", "echo $OPSRUN_HOST",
    )  # fmt: skip
    assert ran.status == 0, ran.out
    assert {host: each["stdout"] for host, each in ran.results.items()} == {
        "web01": "web01\n", "web02": "web02\n",
    }  # fmt: skip
    logs = [made.log(host).read_text() for host in ("web01", "web02")]
    assert [log.count("Accepted publickey") for log in logs] == [1, 1]


def test_a_refused_login_is_tried_once(sshd: SSHDFactory, tmp_path: Path) -> None:
    made = sshd("AllowUsers nobody-at-all", hosts=["web01"])
    ran = opsrun("wait", "-i", made.inventory, "-w", "all", "--for", "ssh", "-o", "json")
    assert ran.status == 3
    assert ran.results["web01"]["error"]["phase"] == "auth"
    log = made.log("web01").read_text()
    assert log.count("not allowed because not listed in AllowUsers") <= 2, log


def test_a_host_that_is_out_of_reach_is_tried_until_the_timeout(tmp_path: Path) -> None:
    inventory = tmp_path / "hosts.ini"
    inventory.write_text("nobody ansible_host=127.0.0.1 ansible_port=1\n")
    ran = opsrun(
        "wait", "-i", inventory, "-w", "nobody", "--for", "ssh", "--timeout", "3", "-o", "json",
    )  # fmt: skip
    assert ran.status == 1
    error = ran.results["nobody"]["error"]
    assert error["phase"] == "wait"
    assert error["message"].startswith("ssh was not ready after ")
    assert "connection refused" in error["message"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--for", "shs"], "did you mean 'ssh'?"),
        (["--for", "all(wbe01) ssh"], "did you mean 'web01'?"),
        (["--for", "any 99 of(web01) ssh"], "web01 has only 1 host"),
        (["--for", "ssh", "--any", "2"], "any 2 of 1 check can't be waited for"),
        (["--for", "ssh", "-b"], "--become is for checks that run something on a host"),
        (["--for", "ssh", "--for", "ssh"], "'ssh' is to be waited for twice"),
    ],
)
def test_mistakes_are_told_before_anybody_is_reached(
    lab: Lab, words: list[str], message: str
) -> None:
    ran = opsrun("wait", "-i", lab.inventory, "-w", "web02", *words)
    assert ran.status == 2
    assert message in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--ready-timeout", "5"], "--ready-timeout is for --when-ready"),
        (["--when-ready", "tpc:1"], "did you mean 'tcp'?"),
        (["--raw", "--when-ready", "cmd:true"], "no shell"),
    ],
)
def test_mistakes_in_what_exec_waits_for(lab: Lab, words: list[str], message: str) -> None:
    ran = opsrun("exec", "-i", lab.inventory, "-w", "web02", *words, "--", "true")
    assert ran.status == 2
    assert message in ran.err


def test_any_of_the_checks(lab: Lab) -> None:
    ran = opsrun(
        "wait", "-i", lab.inventory, "-w", "web01,db01", "-o", "json", "--any", "1",
        "--for", "tcp:1", "--for", "ssh",
    )  # fmt: skip
    assert ran.status == 0, ran.out
    assert {host: list(result["data"]) for host, result in ran.results.items()} == {
        "web01": ["ssh"], "db01": ["ssh"],
    }  # fmt: skip


@pytest.mark.root
def test_a_check_is_run_as_the_user_to_become(lab: Lab, tmp_path: Path) -> None:
    more = tmp_path / "more.ini"
    more.write_text("web01 ansible_become_flags='-s /bin/sh'\n")
    ran = opsrun(
        "wait", "-i", lab.inventory, "-i", more, "-w", "web01", "-b", "--become-user", "nobody",
        "--become-method", "su", "--for", "cmd:test $(id -un) = nobody", "-o", "json",
    )  # fmt: skip
    assert ran.status == 0, ran.out + ran.err
