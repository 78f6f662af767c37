"""Playbooks over real sshd: logins, shells, identities, on both engines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.playruns import Ran, run, tasks

from opsrun.lab import Lab
from opsrun.remote import shell


@pytest.fixture
def play(tmp_path: Path) -> Callable[..., Ran]:
    def carry_out(lab: Lab, playbook: str, **more: Any) -> Ran:
        return run(tmp_path, playbook, str(lab.inventory), **{"extra": {}, **more})

    return carry_out


def logins(lab: Lab) -> list[int]:
    return [lab.log(host.name).read_text().count("Accepted publickey") for host in lab.hosts]


AS = "{name: %s, command: 'id -un', become: true, become_user: %s}"


@pytest.mark.root
def test_one_login_for_all_tasks_and_identities(
    sshd: Callable[..., Lab], play: Callable[..., Ran]
) -> None:
    lab = sshd(hosts=2)
    text = tasks(
        "{name: me, command: 'id -un'}",
        AS % ("nobody", "nobody"),
        AS % ("daemon", "daemon"),
        "{name: raw, raw: 'id -un'}",
        AS % ("again", "nobody"),
    )
    ran = play(lab, text)
    assert {each.result["stdout"] for each in ran.said("nobody")} == {"nobody"}
    assert {each.result["stdout"] for each in ran.said("daemon")} == {"daemon"}
    assert {each.result["stdout"] for each in ran.said("again")} == {"nobody"}
    assert set(ran.ends.values()) == {"changed"}
    assert logins(lab) == [1, 1]


@pytest.mark.root
def test_two_identities_where_one_channel_is_allowed(
    sshd: Callable[..., Lab], play: Callable[..., Ran]
) -> None:
    lab = sshd("MaxSessions 1", hosts=1)
    text = tasks(
        "{name: me, command: 'id -un'}",
        AS % ("nobody", "nobody"),
        "{name: raw, raw: 'id -un'}",
        AS % ("again", "nobody"),
        "{name: me2, command: 'id -un'}",
    )
    ran = play(lab, text)
    assert set(ran.ends.values()) == {"changed"}, ran.notices
    assert ran.result("nobody")["stdout"] == ran.result("again")["stdout"] == "nobody"
    assert ran.result("me")["stdout"] == ran.result("me2")["stdout"] == "root"
    assert logins(lab) == [1]


def test_a_shell_is_used_again(
    sshd: Callable[..., Lab], play: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[shell.Shell] = []
    usual = shell.Shell

    def counted(*args: Any) -> shell.Shell:
        opened.append(usual(*args))
        return opened[-1]

    monkeypatch.setattr("opsrun.remote.session.Shell", counted)
    lab = sshd(hosts=1)
    ran = play(lab, tasks("{name: a, command: 'true'}", "{name: b, ping: }", "{name: c, ping: }"))
    assert ran.status == 0
    assert len(opened) == 1
    assert logins(lab) == [1]


LOGIN = """\
p=$PPID
while [ "$p" -gt 1 ]; do
  case $(cat /proc/$p/comm) in sshd*) kill -9 $p; exit;; esac
  p=$(cut -d" " -f4 /proc/$p/stat)
done
"""
"""Ends the sshd that serves the login which it runs in."""


def test_a_lost_connection_is_opened_anew(
    sshd: Callable[..., Lab], play: Callable[..., Ran]
) -> None:
    lab = sshd(hosts=1)
    text = tasks(
        "{name: a, command: 'true'}",
        "{name: b, shell: '{{ cut }}', ignore_unreachable: true}",
        "{name: c, command: 'true'}",
    )
    ran = play(lab, text, extra={"cut": LOGIN})
    assert ran.one("b").outcome == "lost"
    assert ran.one("c").outcome == "changed"
    assert ran.ends == {lab.hosts[0].name: "changed"}
    assert ran.recap(lab.hosts[0].name) == {"ok": 3, "changed": 2, "ignored": 1}
    assert logins(lab) == [2]


def test_reset_connection_logs_in_again(sshd: Callable[..., Lab], play: Callable[..., Ran]) -> None:
    lab = sshd(hosts=1)
    ran = play(
        lab, tasks("{name: a, command: 'true'}", "{meta: reset_connection}", "{name: b, ping: }")
    )
    assert ran.one("b").outcome == "ok"
    assert logins(lab) == [2]


def test_many_hosts_delegate_to_one(lab: Lab, play: Callable[..., Ran]) -> None:
    target = lab.hosts[0].name
    before = logins(lab)
    ran = play(
        lab,
        tasks(
            "{name: a, command: 'echo {{ inventory_hostname }}', "
            f"delegate_to: {target}, register: r}}",
            "{name: b, debug: {msg: '{{ r.stdout }}'}}",
        ),
        forks=10,
    )
    names = [host.name for host in lab.hosts]
    assert {each.host: each.result["msg"] for each in ran.said("b")} == {n: n for n in names}
    used = [now - then for now, then in zip(logins(lab), before, strict=True)]
    assert set(used[1:]) == {0}, "nobody but the one that the task was delegated to"
    assert 1 <= used[0] <= 10, "as many as work at a time"


def test_a_host_that_nobody_reaches(sshd: Callable[..., Lab], play: Callable[..., Ran]) -> None:
    lab = sshd(hosts=2)
    first, second = (host.name for host in lab.hosts)
    text = tasks(
        f"{{name: a, ping: , vars: {{ansible_port: 1}}, when: inventory_hostname == '{first}'}}",
        "{name: b, ping: }",
    )
    ran = play(lab, text)
    assert ran.ends == {first: "unreachable", second: "ok"}
    assert ran.status == 3
    assert ran.recap(first) == {"unreachable": 1}
    assert ran.result("a", first)["unreachable"] is True


def test_an_item_that_finds_nobody_ends_the_loop(
    sshd: Callable[..., Lab], play: Callable[..., Ran]
) -> None:
    lab = sshd(hosts=1)
    ran = play(
        lab,
        tasks(
            "{name: a, ping: , vars: {ansible_port: 1}, loop: [1, 2], ignore_unreachable: true}",
            "{name: b, debug: }",
        ),
    )
    assert ran.one("a").outcome == "unreachable"
    assert ran.one("b").outcome == "ok"
    assert ran.status == 0
