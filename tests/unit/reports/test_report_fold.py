"""From events to what is told: counts, groups, and the truth about what has no end."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.reporting import (
    COMMAND,
    HOSTILE,
    PLAYBOOK,
    command_events,
    cut_off,
    did,
    ended,
    hostile,
    playbook_events,
    reported,
    running,
)

from opsrun.events import (
    ErrorInfo,
    Event,
    Notice,
    Outcome,
    Retry,
    Summary,
    TaskResult,
    TaskStarted,
)
from opsrun.journal.history import Unknown
from opsrun.reports.gathering import DIFF_LINES
from opsrun.reports.model import RunReport, Status
from opsrun.reports.texts import BUDGET, LITTLE, MOST, Texts, shortened
from opsrun.reports.words import facts, tone, verdict
from opsrun.views.sanitise import is_plain


def without_end(events: list[Event], *types: type) -> list[Event]:
    return [event for event in events if not isinstance(event, types)]


def test_a_playbook_is_told_by_host_and_task() -> None:
    report = reported(PLAYBOOK, playbook_events())
    assert [host.cells for host in report.hosts] == ["·cI–L", "·c–F.", "·c·F.", "U...."]
    assert [(task.number, task.title, task.play) for task in report.tasks] == [
        (1, "who is there", 0),
        (2, "common : motd", 0),
        (3, "each of them", 0),
        (4, "fails", 0),
        (5, "last", 1),
    ]
    assert report.plays == ("base", "rest")
    assert report.counts == {Status.LOST: 1, Status.UNREACHABLE: 1, Status.FAILED: 2}
    assert report.tasks[0].counts == {Status.UNREACHABLE: 1, Status.OK: 3}
    assert (report.tasks[0].longest, report.tasks[0].slowest) == (9.0, "db01")
    assert (report.tasks[2].retries, report.tasks[2].longest) == (1, 2.5)
    assert verdict(report) == "4 of 4 hosts did not end well"
    assert report.hosts[1].skipped == {3: "'x' in y"}


def test_what_was_the_same_is_told_once_whatever_the_hosts_are_called() -> None:
    report = reported(PLAYBOOK, playbook_events())
    [hello] = report.tasks[0].said
    assert (hello.said.stdout, hello.hosts, hello.alike) == (
        "hello <host>",
        ("web01", "web02", "web03"),
        True,
    )
    [failed] = report.tasks[3].problems
    assert (failed.status, failed.hosts) == (Status.FAILED, ("web02", "web03"))
    assert (failed.said.stderr, failed.said.how) == ("no /etc/<host>.conf", "exit status 3")
    [diff] = report.tasks[1].diffs
    assert diff.hosts == ("web01", "web02", "web03")
    assert diff.lines[-2:] == ("-old", "+new")


def test_items_tell_what_their_loop_does_not() -> None:
    task = reported(PLAYBOOK, playbook_events()).tasks[2]
    assert [(group.item, group.said.stdout) for group in task.said] == [("a", "did a")]
    assert [(group.item, group.status) for group in task.problems] == [("b", Status.IGNORED)]


def test_a_command_is_one_task() -> None:
    report = reported(COMMAND, command_events())
    [task] = report.tasks
    assert (task.name, report.is_playbook) == ("df -h", False)
    [said] = task.said
    assert (said.hosts, said.said.stdout) == (("web01", "web02"), "/dev/sda1 9%")
    assert [(g.status, g.said.how, g.said.stderr, g.said.hint) for g in task.problems] == [
        (Status.UNREACHABLE, "", "", "is the disk full?"),
        (Status.FAILED, "exit status 1", "df: \\xff", ""),
    ]
    assert [host.duration for host in report.hosts] == [0.25, 0.5, 1.5, 0.0]


def test_a_command_that_was_cut_off_names_what_nobody_knows() -> None:
    events = command_events()[:3]
    unknown = [Unknown("web03", "", "exec@web03", 5.0)]
    report = reported(cut_off(COMMAND), events, unknown)
    assert [host.status for host in report.hosts] == [
        Status.OK,
        Status.OK,
        Status.UNKNOWN,
        Status.UNFINISHED,
    ]
    assert [(each.host, each.task) for each in report.open] == [("web03", 1)]
    assert tone(report) == "bad"
    assert verdict(report) == ("Cut off: 2 of 4 hosts had ended; 1 outcome is not known")


def test_a_playbook_that_was_cut_off_names_what_nobody_knows() -> None:
    events = without_end(playbook_events(), Summary)[:-4]
    unknown = [
        Unknown("web03", "1/tasks/0", "playbook@web03", 5.0),
        Unknown("web03", "9/tasks/0", "playbook@web03", 6.0),
    ]
    report = reported(cut_off(PLAYBOOK), events, unknown)
    assert [host.status for host in report.hosts] == [
        Status.LOST,
        Status.FAILED,
        Status.UNKNOWN,
        Status.UNREACHABLE,
    ]
    assert report.hosts[2].cells == "·c·F??"
    assert [(each.task, report.tasks[each.task - 1].name) for each in report.open] == [
        (5, "last"),
        (6, "9/tasks/0"),
    ]
    assert not report.went_well


def test_a_running_run_is_not_said_to_be_lost() -> None:
    unknown = [Unknown("web03", "", "exec@web03", 5.0)]
    report = reported(running(COMMAND), command_events()[:3], unknown)
    assert [host.status.value for host in report.hosts] == ["ok", "ok", "under way", "not begun"]
    assert (tone(report), report.went_well) == ("open", False)
    assert dict(facts(report))["So far"] == "1 min 40 s"


def test_what_ended_while_the_journal_was_asked_is_no_longer_unknown() -> None:
    unknown = [Unknown("web01", "", "exec@web01", 5.0)]
    assert reported(running(COMMAND), command_events()[:3], unknown).open == ()
    unknown = [Unknown("web01", "0/tasks/0", "playbook@web01", 5.0)]
    assert reported(running(PLAYBOOK), playbook_events()[:-5], unknown).open == ()


@pytest.mark.parametrize(
    ("outcomes", "run", "expected"),
    [
        ([Outcome.OK, Outcome.CHANGED], {"exit_status": 0}, "All 2 hosts ended well"),
        ([Outcome.OK], {"exit_status": 0}, "The host ended well"),
        ([Outcome.CANCELLED, Outcome.OK], {"interrupted": True}, "Interrupted: 1 of 2 hosts"),
        ([Outcome.OK], {"exit_status": 1}, "Ended with exit status 1, though every host"),
        ([], {"exit_status": 0}, "Ended well, on no host"),
    ],
)
def test_the_verdict(outcomes: list[Outcome], run: dict[str, int], expected: str) -> None:
    hosts = tuple(f"h{number}" for number in range(len(outcomes)))
    events = [ended(host, outcome) for host, outcome in zip(hosts, outcomes, strict=True)]
    report = reported(replace(COMMAND, hosts=hosts, **run), events)
    assert verdict(report).startswith(expected)
    assert tone(report) == ("good" if run.get("exit_status") == 0 else "bad")


def test_hosts_that_were_stopped_without_a_task_of_theirs_are_told() -> None:
    events: list[Event] = [did(host, "0/tasks/0") for host in PLAYBOOK.hosts]
    events += [ended(host, Outcome.CANCELLED) for host in PLAYBOOK.hosts]
    [group] = reported(PLAYBOOK, events).stopped
    assert (group.status, group.hosts) == (Status.CANCELLED, PLAYBOOK.hosts)


def test_an_unreachable_host_that_was_ignored_is_no_problem_of_the_run() -> None:
    events = [did("web01", "0/tasks/0", Outcome.UNREACHABLE, ignored=True, result={"msg": "x"})]
    assert reported(PLAYBOOK, events).hosts[0].cells == "I"


def test_a_handler_that_ran_twice_has_its_worst_outcome_and_both_times() -> None:
    events = [did("web01", "0/h/0", Outcome.FAILED), did("web01", "0/h/0", Outcome.CHANGED)]
    host = reported(PLAYBOOK, events).hosts[0]
    assert (host.cells, host.times) == ("F", {1: 1.0})


def texts(found: object) -> list[str]:
    """Every text in a report."""
    if isinstance(found, str):
        return [found]
    if isinstance(found, dict):
        return [text for pair in found.items() for each in pair for text in texts(each)]
    if isinstance(found, (tuple, list)):
        return [text for each in found for text in texts(each)]
    fields = getattr(found, "__dataclass_fields__", ())
    return [text for name in fields for text in texts(getattr(found, name))]


def test_all_text_of_a_report_is_harmless() -> None:
    found = texts(hostile())
    assert any("[2J" in text for text in found)
    assert [text for text in found if not is_plain(text)] == []
    assert "\n" not in "".join(host.name for host in hostile().hosts)


def test_a_text_past_the_limit_says_how_much_is_missing() -> None:
    text = "\n".join(f"line {number}" for number in range(10_000))
    kept = Texts().keep(text)
    first, middle, last = kept.partition("\n… ")
    count = int(last.split(" ")[0].replace(",", ""))
    assert len(kept) <= MOST + 40
    assert middle
    assert first.startswith("line 0\n")
    assert kept.endswith("line 9999")
    assert count + kept.count("\n") == 10_000


def test_many_texts_get_short_and_equal_ones_cost_nothing() -> None:
    keeper = Texts()
    for number in range(BUDGET // 10_000 + 10):
        keeper.keep("x" * 9_990 + f"{number:010}")
    assert len(keeper.keep("y" * 9_000)) < LITTLE + 60
    again = Texts(budget=20_000)
    for _ in range(1000):
        again.keep("z" * 9_000)
        again.keep(b"z" * 9_000 + b"\r\n")
    assert len(again.keep("v" * 1_000)) == 1_000


@given(st.text(max_size=400), st.integers(10, 300))
def test_what_is_shortened_keeps_its_ends(text: str, most: int) -> None:
    short = shortened(text, most)
    assert len(short) <= most + 40 or short == text
    assert short == text or "left out" in short


def test_long_diffs_say_how_much_is_missing() -> None:
    after = "".join(f"{number}\n" for number in range(DIFF_LINES * 2))
    result = {"diff": {"before": "", "after": after}}
    events = [did("web01", "0/tasks/0", Outcome.CHANGED, result=result, diff=True)]
    [diff] = reported(PLAYBOOK, events).tasks[0].diffs
    assert len(diff.lines) + diff.left_out == DIFF_LINES * 2 + 3


_OUTCOMES = st.sampled_from(list(Outcome))


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), _OUTCOMES, st.booleans())),
    st.lists(st.tuples(st.sampled_from("abcd"), _OUTCOMES)),
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 5))),
)
def test_cells_and_counts_agree(
    done: list[tuple[str, int, Outcome, bool]],
    ends: list[tuple[str, Outcome]],
    sent: list[tuple[str, int]],
) -> None:
    events: list[Event] = [
        TaskResult(host, f"0/tasks/{task}", outcome, {"msg": "m"}, ignored=ignored)
        for host, task, outcome, ignored in done
    ]
    events += [ended(host, outcome) for host, outcome in ends]
    unknown = [Unknown(host, f"0/tasks/{task}", "w", 1.0) for host, task in sent]
    report = reported(replace(cut_off(PLAYBOOK), hosts=("a", "b")), events, unknown)
    agree(report)
    assert {host for host, _ in ends} <= {host.name for host in report.hosts}
    assert all(each.host not in dict(ends) for each in report.open)


def agree(report: RunReport) -> None:
    assert sum(report.counts.values()) == len(report.hosts)
    for task in report.tasks:
        marks = [host.cells[task.number - 1] for host in report.hosts]
        assert {s: n for s in Status if s.value != "not begun" and (n := marks.count(s.mark))} == (
            task.counts
        )
    for each in report.open:
        host = next(host for host in report.hosts if host.name == each.host)
        assert host.cells[each.task - 1] == Status.UNKNOWN.mark


def test_the_hostile_words_are_in_the_report_at_all() -> None:
    found = "\n".join(texts(hostile()))
    assert all(words.split("\x1b")[0][:8] in found for words in HOSTILE if words.isascii())


def test_an_include_that_came_anew_for_another_batch_is_one_task() -> None:
    events: list[Event] = []
    for batch, host in enumerate(PLAYBOOK.hosts[:2]):
        for instance in range(2):
            task = f"0/tasks/0/{batch}/{instance}"
            events.append(TaskStarted(task, "do {{ n }}", "debug", "inc.yml:1"))
            result = {"msg": f"on {host}"}
            events.append(did(host, task, result=result, name=f"do {instance}"))
    unknown = [Unknown("web03", "0/tasks/0/1/0", "w", 1.0)]
    report = reported(cut_off(PLAYBOOK), events, unknown)
    assert [(task.title, task.counts) for task in report.tasks] == [
        ("do 0", {Status.UNKNOWN: 1, Status.OK: 2}),
        ("do 1", {Status.OK: 2}),
    ]
    [group] = report.tasks[0].said
    assert (group.said.why, group.hosts, group.alike) == ("on <host>", ("web01", "web02"), True)
    assert [each.task for each in report.open] == [1]
    agree(report)


def test_what_only_steers_a_play_is_told_where_it_went_wrong() -> None:
    begun = [TaskStarted(f"0/tasks/{number}", "meta", "meta", kind="meta") for number in range(2)]
    ends = [did("web01", "0/tasks/0"), did("web01", "0/tasks/1", Outcome.FAILED)]
    [task] = reported(PLAYBOOK, [*begun, *ends]).tasks
    assert task.counts == {Status.FAILED: 1}


def test_hosts_that_took_no_part_are_not_counted_among_those_that_ended_well() -> None:
    run = replace(PLAYBOOK, exit_status=0)
    events = [did("web01", "0/tasks/0"), ended("web01"), ended("web02")]
    assert verdict(reported(run, events)) == "All 2 hosts ended well"


def test_a_word_is_told_once_for_all_hosts_that_it_concerns() -> None:
    events: list[Event] = [
        Retry(f"h{n}", 1, 0.5, ErrorInfo("tcp", f"192.0.2.{n} port 22: refused")) for n in range(9)
    ]
    events += [Notice("warning", f"h{n} is odd", f"h{n}") for n in range(9)]
    events += [Notice("error", "192.0.2.1 is odd"), Notice("debug", "not told")]
    words = reported(PLAYBOOK, events).words
    assert [(word.level, word.text, len(word.hosts)) for word in words] == [
        ("tried again", "tcp: <address> port 22: refused", 9),
        ("warning", "<host> is odd", 9),
        ("error", "192.0.2.1 is odd", 0),
    ]
