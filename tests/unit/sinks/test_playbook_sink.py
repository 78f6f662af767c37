"""The text that people read of a playbook."""

from __future__ import annotations

from typing import Any

from event_runs import play, result, started, summary

from opsrun.events import (
    Event,
    HandlersPending,
    Notice,
    Outcome,
    PlaybookStarted,
    PlayStarted,
    TaskResult,
    TaskStarted,
)
from opsrun.sinks import OutputOptions, make_sink
from opsrun.sinks.base import BytesWriter

ONE = TaskStarted("0/1", "install", "command", "site.yml:5")
TWO = TaskStarted("0/2", "start", "command", "site.yml:9", role="web")


def shown(*events: Event, kind: str = "playbook", **options: Any) -> tuple[str, str]:
    """Standard output and standard error."""
    out, err = BytesWriter(), BytesWriter()
    play(make_sink(kind, out, err, OutputOptions(**options)), events)
    return out.text(), err.text()


def ended(host: str, outcome: Outcome = Outcome.OK, task: str = "0/1", **more: Any) -> TaskResult:
    return TaskResult(host, task, outcome, more.pop("result", {}), **more)


def fleet(count: int) -> tuple[str, ...]:
    return tuple(f"web{number:03}" for number in range(1, count + 1))


def test_a_large_fleet_is_counted_and_few_are_named() -> None:
    hosts = fleet(500)
    results = [ended(host) for host in hosts[20:]]
    results += [ended(host, Outcome.CHANGED) for host in hosts[:20]]
    out, _ = shown(PlayStarted("all", hosts), ONE, *results)
    assert out.splitlines()[1:] == [
        "play all · web[001-500] (500)",
        "task install",
        "  ok 480 · changed 20 web[001-020]",
    ]


def test_equal_failures_are_shown_once_and_at_once() -> None:
    hosts = fleet(30)
    data = {"msg": "disk full", "rc": 2, "stderr": "one\ntwo\n", "stdout": "out"}
    bad = [ended(host, Outcome.FAILED, result=data) for host in hosts]
    out, _ = shown(PlayStarted("all", hosts), ONE, bad[0])
    assert out.splitlines()[3:8] == [
        "  failed web001: disk full · rc=2",
        "    ! one",
        "    ! two",
        "    | out",
        "    at site.yml:5",
    ]
    out, _ = shown(PlayStarted("all", hosts), ONE, *bad)
    assert out.count("disk full") == 1
    assert "  failed 30\n" in out


def test_only_some_of_many_different_failures_are_shown() -> None:
    hosts = fleet(30)
    bad = [
        ended(host, Outcome.FAILED, result={"msg": f"reason {number}"})
        for number, host in enumerate(hosts)
    ]
    out, _ = shown(PlayStarted("all", hosts), ONE, *bad)
    assert out.count("reason") == 10
    assert "… and 20 other failures; -v shows all" in out
    out, _ = shown(PlayStarted("all", hosts), ONE, *bad, verbosity=1)
    assert out.count("reason") == 30


def test_messages_of_debug_are_folded() -> None:
    task = TaskStarted("0/1", "say", "debug")
    same = [ended(host, result={"msg": "hello\nthere", "changed": False}) for host in ("a", "b")]
    out, _ = shown(PlayStarted("p", ("a", "b")), task, *same)
    assert out.endswith("  ok 2 a,b\n    hello\n    there\n")
    other = ended("b", result={"value": [1], "changed": False})
    out, _ = shown(PlayStarted("p", ("a", "b")), task, same[0], other)
    assert "    a:\n      hello\n      there\n" in out
    assert "    b:\n      value: [\n" in out


def test_items_that_changed_are_named_and_others_counted() -> None:
    items = [
        ended("a", item="x"),
        ended("a", Outcome.CHANGED, item="y"),
        ended("a", Outcome.SKIPPED, item="z"),
        ended("a", Outcome.FAILED, item="w", result={"msg": "no"}),
        ended("a", Outcome.FAILED, loop=True, result={"msg": "some failed", "results": []}),
    ]
    out, _ = shown(PlayStarted("p", ("a",)), ONE, *items)
    assert "  failed a (item=w): no\n" in out
    assert "some failed" not in out
    assert "    changed (item=y) a\n    items: ok 1 · skipped 1\n" in out


def test_diffs_are_shown_where_they_are_asked_for() -> None:
    data = {"diff": {"before": "a\n", "after": "b\n", "after_header": "/etc/x"}}
    silent = ended("a", Outcome.CHANGED, result=data)
    assert "+b" not in shown(PlayStarted("p", ("a",)), ONE, silent)[0]
    events = PlayStarted("p", ("a",)), ONE, ended("a", Outcome.CHANGED, result=data, diff=True)
    out, _ = shown(*events)
    lines = ("--- before", "+++ after: /etc/x", "@@ -1 +1 @@", "-a", "+b")
    assert out.endswith("".join(f"    {line}\n" for line in lines))
    colored, _ = shown(*events, color=True)
    assert "    \x1b[32m+b\x1b[0m\n" in colored


def test_hosts_that_go_at_their_own_pace_are_counted_once_a_task() -> None:
    events = [ONE, ended("a"), TWO, ended("a", task="0/2"), ended("b"), ended("b", task="0/2")]
    out, _ = shown(PlayStarted("p", ("a", "b")), *events)
    assert out.splitlines()[2:] == [
        "task install",
        "  ok a",
        "task web : start",
        "  ok 2 a,b",
        "task install",
        "  ok b",
    ]


def test_attempts_join_in_one_line_on_standard_error() -> None:
    again = [ended(host, Outcome.FAILED, retries_left=2) for host in ("a", "b")]
    out, err = shown(PlayStarted("p", ("a", "b")), ONE, *again, ended("a"), ended("b"))
    assert err == "retrying a,b (2): install: 2 tries left\n"
    assert "failed" not in out


def test_the_recap_names_few_hosts_and_folds_many() -> None:
    def run(count: int) -> list[str]:
        hosts = fleet(count)
        counts = {"ok": 3, "changed": 1, "failed": 0, "unreachable": 0}
        results = [result(host, data={"recap": counts}) for host in hosts[1:]]
        bad = {"ok": 1, "failed": 1}
        results.append(result(hosts[0], Outcome.FAILED, data={"recap": bad}))
        pending = HandlersPending(hosts[0], ("restart",))
        events = [started(*hosts), pending, *results, summary(results)]
        return shown(*events)[0].splitlines()

    few = run(2)
    assert few[0] == "notified, but not run on web001: restart"
    assert few[2:] == [
        "recap",
        "  web002  ok 3    changed 1    failed 0",
        "  web001  ok 1    changed 0    failed 1",
    ]
    assert run(200)[3] == "  web[002-200] (199)  ok 3    changed 1    failed 0"


def test_an_interrupted_run_names_the_hosts_that_are_not_finished() -> None:
    cut = [result(host, Outcome.CANCELLED, data={"recap": {"cancelled": 1}}) for host in fleet(2)]
    _, err = shown(started(*fleet(2)), *cut, summary(cut, interrupted=True))
    assert "interrupted; not finished: web[001-002]" in err


def test_what_modules_warn_of_is_told_once_a_task() -> None:
    cut = [ended(host, result={"warnings": ["cut short"]}) for host in fleet(3)]
    events = [started(*fleet(3)), PlayStarted("p", fleet(3)), ONE, *cut, summary([])]
    assert shown(*events)[1].splitlines()[0] == "warning: web[001-003] (3): site.yml:5: cut short"
    assert "cut short" not in "".join(shown(*events, verbosity=-1))


def test_no_host_can_pretend_to_be_another_one() -> None:
    data = {"msg": "x\n  ok b", "stdout": "\x1b[2Jtask fake\n"}
    out, _ = shown(PlayStarted("p", ("a",)), ONE, ended("a", Outcome.FAILED, result=data))
    assert "\n  ok b" not in out
    assert "    | ^[[2Jtask fake\n" in out


def test_ansibles_words_for_what_the_recordings_have_not() -> None:
    away = ended("a", Outcome.UNREACHABLE, result={"msg": "no way", "unreachable": True})
    broken = ended("b", Outcome.LOST, result={"msg": "cut"}, ignored=True)
    results = [result("b", Outcome.LOST, data={"recap": {"unreachable": 1}})]
    events = [started("b"), PlayStarted("p", ("a", "b")), TWO, ended("a", task="0/2"), ONE]
    out, err = shown(*events, away, broken, *results, summary(results), kind="ansible")
    assert out.splitlines() == [
        "",
        f"PLAY [p] {'*' * 71}",
        "",
        f"TASK [web : start] {'*' * 61}",
        "ok: [a]",
        "",
        f"TASK [install] {'*' * 65}",
        'fatal: [a]: UNREACHABLE! => {"msg": "no way", "unreachable": true}',
        'fatal: [b]: UNREACHABLE! => {"msg": "cut"}',
        "...ignoring",
        "",
        f"PLAY RECAP {'*' * 69}",
        "b                          : ok=0    changed=0    unreachable=1    failed=0    "
        "skipped=0    rescued=0    ignored=0   ",
        "",
    ]
    assert err == ""


def test_ansibles_recap_leaves_out_hosts_that_had_nothing_to_do() -> None:
    idle = result("web01", data={"recap": {"ok": 0, "changed": 0}})
    busy = result("web02", data={"recap": {"ok": 1, "changed": 0}})
    out, _ = shown(
        PlayStarted("all", ("web01", "web02")), idle, busy, summary([idle, busy]), kind="ansible"
    )
    recap = out[out.index("PLAY RECAP") :]
    assert "web02" in recap
    assert "web01" not in recap


def test_ansibles_words_name_the_playbook_from_vv_on() -> None:
    events = PlaybookStarted("plays/site.yml", 2), PlayStarted("all", ("web01",))
    assert "PLAYBOOK" not in shown(*events, kind="ansible", verbosity=1)[0]
    out, _ = shown(*events, kind="ansible", verbosity=2)
    assert out.splitlines()[1:3] == [f"PLAYBOOK: site.yml {'*' * 61}", "2 plays in plays/site.yml"]


def test_ansibles_errors_begin_with_what_is_wrong() -> None:
    told = Notice("error", "site.yml:3:7: no such handler\nnor topic", "web01")
    _, err = shown(told, kind="ansible")
    assert err == "ERROR! no such handler\nnor topic\n(web01, site.yml:3:7)\n"


def test_an_include_that_could_not_be_loaded_went_well_nowhere() -> None:
    book = TaskStarted("0/3", "include_tasks", "include_tasks", "site.yml:7", kind="include")
    hosts = fleet(2)
    chosen = [ended(host, task="0/3", included="none.yml") for host in hosts]
    lost = ended(hosts[1], Outcome.FAILED, task="0/3", result={"msg": "no file 'none.yml'"})
    events: tuple[Event, ...] = (PlayStarted("all", hosts), book, *chosen, lost, summary([]))
    out, _ = shown(*events)
    assert "ok web001 · failed web002\n" in out
    assert "included none.yml: web001\n" in out
    theirs, _ = shown(*events, kind="ansible")
    assert "fatal: [web002]" in theirs
    assert "none.yml for web001\n" in theirs
