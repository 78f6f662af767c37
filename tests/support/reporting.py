"""Runs to be reported of: events of a playbook and of a command, as the journal would give them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from opsrun.events import (
    ErrorInfo,
    Event,
    HandlersPending,
    Notice,
    Outcome,
    PlaybookStarted,
    PlayStarted,
    Result,
    Retry,
    RunStarted,
    Summary,
    TaskResult,
    TaskStarted,
    WorkId,
)
from opsrun.journal.about import process
from opsrun.journal.history import KnownRun, Unknown
from opsrun.reports.fold import folded
from opsrun.reports.model import RunReport

HOSTILE = (
    '</script><script>document.title="owned"</script>',
    "<img src=http://192.0.2.1/x onerror=alert(1)>",
    '" onmouseover="alert(1)" x="',
    "\x1b[2J\x1b]0;title\x07\x9b31m\x00",
    "\u202egnp.exe \u200b\ufeff\ud800",
    "]]>&amp;<![CDATA[",
    "-->|`@everyone` #1 [x](http://192.0.2.1) **b** ```",
    "</td></table></style><style>*{display:none}</style>",
)
"""What a host may say, and must remain text."""

PLAYBOOK = KnownRun(
    number=7,
    id="721aebc422fa",
    action="playbook",
    command="site.yml",
    hosts=("web01", "web02", "web03", "db01"),
    started=1_700_000_000.0,
    ended=1_700_000_083.0,
    duration=83.0,
    exit_status=4,
    interrupted=False,
    counts={},
    who="ann",
    machine="desk",
    cwd="/srv/plays",
    argv=("playbook", "site.yml", "-e", "x=a b"),
    process=process(),
    version="0.1.0",
    parent="",
    about={},
)
COMMAND = replace(
    PLAYBOOK, id="bbfca4e7603a", action="exec", command="df -h", argv=("exec", "df", "-h")
)


def cut_off(run: KnownRun) -> KnownRun:
    """The same run without an end; its process is gone."""
    return replace(
        run, ended=None, duration=None, exit_status=None, process="no-boot 1 1", counts={}
    )


def running(run: KnownRun) -> KnownRun:
    """The same run without an end, done by this very process."""
    from opsrun.journal.about import machine

    return replace(cut_off(run), process=process(), machine=machine())


def did(host: str, task: str, outcome: Outcome = Outcome.OK, **fields: Any) -> TaskResult:
    """A task's end."""
    return TaskResult(host, task, outcome, **({"duration": 0.5} | fields))


def ended(host: str, outcome: Outcome = Outcome.OK, **fields: Any) -> Result:
    """A host's end."""
    return Result(host, WorkId(host, ("exec",), "0123456789ab"), outcome, **fields)


def playbook_events() -> list[Event]:
    """Two plays: changes, a loop, failures of every kind, one host lost, one unreachable."""
    diff = {"before": "old\n", "after": "new\n", "after_header": "/etc/motd"}
    gone = {"msg": "tcp: 192.0.2.7 port 22: connection refused", "unreachable": True}
    broken = {"msg": "non-zero return code", "rc": 3, "stdout": "", "stderr": "no /etc/web02.conf"}
    lost = {"msg": "the connection broke"}
    first, motd, loop, fails = (f"0/tasks/{number}" for number in range(4))
    hosts = PLAYBOOK.hosts
    return [
        RunStarted(PLAYBOOK.id, "playbook", "site.yml", hosts, PLAYBOOK.started),
        PlaybookStarted("site.yml", 2),
        PlayStarted("base", hosts, "site.yml:1"),
        TaskStarted(first, "who is there", "command", "site.yml:4"),
        *(did(host, first, result={"stdout": f"hello {host}", "rc": 0}) for host in hosts[:3]),
        did("db01", first, Outcome.UNREACHABLE, result=gone, duration=9.0),
        TaskStarted(motd, "motd", "copy", "site.yml:6", role="common"),
        *(
            did(host, motd, Outcome.CHANGED, result={"diff": [diff]}, diff=True)
            for host in hosts[:3]
        ),
        TaskStarted(loop, "each of them", "command", "site.yml:9"),
        did("web01", loop, Outcome.CHANGED, item="a", result={"stdout": "did a"}),
        did("web01", loop, Outcome.FAILED, item="b", result={"msg": "no b here"}, ignored=True),
        did("web01", loop, Outcome.FAILED, loop=True, result={"results": []}, ignored=True),
        did("web02", loop, Outcome.SKIPPED, result={"false_condition": "'x' in y"}),
        did("web03", loop, Outcome.FAILED, retries_left=2, result={"msg": "not yet"}),
        did("web03", loop, Outcome.OK, duration=2.5),
        TaskStarted(fails, "fails", "shell", "site.yml:12"),
        did("web01", fails, Outcome.SKIPPED, result={"skip_reason": "no need"}),
        did("web02", fails, Outcome.FAILED, result=broken),
        did("web03", fails, Outcome.FAILED, result=broken | {"stderr": "no /etc/web03.conf"}),
        PlayStarted("rest", ("web01",), "site.yml:20", index=1),
        TaskStarted("1/tasks/0", "last", "shell", "site.yml:22"),
        did("web01", "1/tasks/0", Outcome.LOST, result=lost),
        HandlersPending("web02", ("restart app",)),
        Notice("warning", "something odd"),
        Retry("web01", 1, 0.5, ErrorInfo("tcp", "connection reset")),
        ended("web01", Outcome.LOST, error=ErrorInfo("run", "the connection broke")),
        ended("web02", Outcome.FAILED, error=ErrorInfo("run", "non-zero return code")),
        ended("web03", Outcome.FAILED, error=ErrorInfo("run", "non-zero return code")),
        ended("db01", Outcome.UNREACHABLE, error=ErrorInfo("run", gone["msg"])),
        Summary(PLAYBOOK.id, {}, 83.0, exit_status=4),
    ]


def command_events() -> list[Event]:
    """Four hosts: two with the same output, one that failed, one that nothing was sent to."""
    full = "is the disk full?"
    return [
        RunStarted(COMMAND.id, "exec", "df -h", COMMAND.hosts, COMMAND.started),
        ended("web01", rc=0, stdout=b"/dev/sda1 9%\n", duration=0.25),
        ended("web02", rc=0, stdout=b"/dev/sda1 9%\n", duration=0.5),
        ended("web03", Outcome.FAILED, rc=1, stderr=b"df: \xff\n", duration=1.5),
        ended("db01", Outcome.UNREACHABLE, error=ErrorInfo("tcp", "connection refused", full)),
        Summary(COMMAND.id, {}, 2.0, exit_status=3),
    ]


def reported(run: KnownRun, events: Sequence[Event], unknown: Sequence[Unknown] = ()) -> RunReport:
    """What is told of these events, written 100 s after the run began."""
    return folded(run, events, unknown, run.started + 100)


def hostile() -> RunReport:
    """A playbook of which nothing is what it should be: names, outputs, diffs, items."""
    hosts = tuple(f"h{number}{words}" for number, words in enumerate(HOSTILE))
    events: list[Event] = [PlayStarted(HOSTILE[0], hosts, HOSTILE[1])]
    for number, words in enumerate(HOSTILE):
        task = f"0/tasks/{number}"
        result = dict.fromkeys(("msg", "stdout", "stderr", "reason", "own"), words)
        diff = {"diff": {"before": f"{words}\n", "after": "b\n", "after_header": words}}
        events.append(TaskStarted(task, words, words, words, role=words))
        for host in hosts:
            events += [
                did(host, task, Outcome.CHANGED, item=words, result=result | diff, diff=True),
                did(host, task, Outcome.FAILED, result=result, delegate=words, ignored=True),
                did(host, task, Outcome.SKIPPED, result={"false_condition": words}),
            ]
        events += [Notice("error", words, hosts[0]), HandlersPending(hosts[0], (words,))]
    events += [ended(host, Outcome.FAILED, error=ErrorInfo("run", host, host)) for host in hosts]
    known = replace(PLAYBOOK, hosts=hosts, command=HOSTILE[0], argv=HOSTILE, cwd=HOSTILE[2])
    return reported(known, events, [Unknown("new" + HOSTILE[0], HOSTILE[1], "x", 1.0)])
