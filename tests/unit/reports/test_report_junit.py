"""JUnit's XML: of the shape that Jenkins' schema has, and red where the run is."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.reporting import (
    COMMAND,
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

from opsrun.events import Event, Outcome
from opsrun.journal.history import Unknown
from opsrun.reports.junit import junit
from opsrun.reports.model import RunReport

# junit-10.xsd of Jenkins' xunit plug-in: attributes (those that are needed first), and children.
_SCHEMA = {
    "testsuites": ("", "name time tests failures errors", "testsuite"),
    "testsuite": (
        "name tests failures errors",
        "time skipped timestamp hostname id package group file log url",
        "testsuite properties testcase system-out system-err",
    ),
    "testcase": ("name", "time classname group", "skipped error failure system-out system-err"),
    "failure": ("", "type message", ""),
    "error": ("", "type message", ""),
    "skipped": ("", "type message", ""),
    "system-out": ("", "", ""),
    "system-err": ("", "", ""),
}
_TIME = re.compile(r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?")


def parsed(report: RunReport) -> ElementTree.Element:
    """The document; expat refuses what is not well-formed, and characters that XML has none of."""
    root = ElementTree.fromstring("".join(junit(report)).encode("utf-8"))
    assert root.tag == "testsuites"
    fits(root)
    seen = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(seen) == len(set(seen))
    return root


def fits(element: ElementTree.Element) -> None:
    needed, allowed, children = (set(words.split()) for words in _SCHEMA[element.tag])
    assert needed <= set(element.attrib) <= needed | allowed
    assert _TIME.fullmatch(element.get("time", ""))
    assert {child.tag for child in element} <= children
    if element.tag in ("testsuites", "testsuite"):
        cases = list(element.iter("testcase"))
        assert int(element.attrib["tests"]) == len(cases)
        for tag, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            if name in element.attrib:
                count = sum(case.find(tag) is not None for case in cases)
                assert int(element.attrib[name]) == count
    for child in element:
        fits(child)


def red(root: ElementTree.Element) -> int:
    return int(root.attrib["failures"]) + int(root.attrib["errors"])


def test_a_playbook_is_a_suite_a_host_and_a_case_a_task() -> None:
    root = parsed(reported(PLAYBOOK, playbook_events()))
    assert [suite.get("hostname") for suite in root] == ["web01", "web02", "web03", "db01"]
    told = {
        (case.get("classname"), case.get("name")): [child.tag for child in case]
        for case in root.iter("testcase")
    }
    assert told["web02", "base: fails"] == ["failure", "system-err"]
    assert told["web01", "base: fails"] == ["skipped"]
    assert told["web01", "base: each of them"] == []
    assert told["web01", "rest: last"] == ["error"]
    assert told["db01", "base: who is there"] == ["error"]
    assert len(told) == 5 + 4 + 4 + 1
    [failure, err] = root.find(".//testcase[@classname='web02'][failure]") or []
    assert failure.attrib == {"message": "non-zero return code: exit status 3", "type": "failed"}
    assert (failure.text or "").splitlines()[-1] == "at site.yml:12"
    assert err.text == "no /etc/web02.conf"
    skipped = root.find(".//testcase[@classname='web02']/skipped")
    assert skipped is not None
    assert skipped.get("message") == "'x' in y"


def test_a_command_is_a_case_a_host() -> None:
    root = parsed(reported(COMMAND, command_events()))
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("4", "1", "1")
    [error] = root.iter("error")
    assert error.get("message") == "tcp: connection refused"
    assert error.text == "tcp: connection refused\nis the disk full?"


def test_what_is_unknown_is_an_error() -> None:
    unknown = [Unknown("web03", "", "w", 5.0)]
    root = parsed(reported(cut_off(COMMAND), command_events()[:3], unknown))
    assert {error.get("type") for error in root.iter("error")} == {"unknown", "unfinished"}
    messages = [error.get("message") for error in root.iter("error")]
    assert messages == [
        "it was sent, and how it ended was never written down",
        "the run was cut off before this host had ended",
    ]


@pytest.mark.parametrize(
    "report",
    [
        reported(cut_off(COMMAND), []),
        reported(cut_off(PLAYBOOK), playbook_events()[:6]),
        reported(running(PLAYBOOK), playbook_events()[:6]),
        reported(replace(COMMAND, hosts=(), exit_status=1), []),
        reported(replace(COMMAND, hosts=("a",), exit_status=1), [ended("a", rc=0)]),
        reported(PLAYBOOK, [ended(host, Outcome.CANCELLED) for host in PLAYBOOK.hosts]),
    ],
    ids=["nothing", "cut off", "running", "no host", "all well but the run", "cancelled"],
)
def test_a_run_that_did_not_end_well_is_red(report: RunReport) -> None:
    assert red(parsed(report)) > 0


_DONE = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 2), st.sampled_from(list(Outcome)), st.text()),
    max_size=12,
)


@given(_DONE, st.integers(0, 4))
def test_a_run_with_another_status_than_0_is_red(
    done: list[tuple[str, int, Outcome, str]], status: int
) -> None:
    events: list[Event] = [
        did(host, f"0/tasks/{task}", outcome, result={"msg": words, "stderr": words})
        for host, task, outcome, words in done
    ]
    run = replace(PLAYBOOK, hosts=("a", "b", "c"), exit_status=status)
    root = parsed(reported(run, events))
    assert status == 0 or red(root) > 0
    if all(outcome.is_good for _, _, outcome, _ in done) and status == 0:
        assert red(root) == 0


def test_what_hosts_say_stays_text() -> None:
    root = parsed(hostile())
    assert {element.tag for element in root.iter()} <= set(_SCHEMA)
    assert red(root) > 0


def test_hosts_with_dots_are_no_packages_and_equal_names_are_told_apart() -> None:
    events: list[Event] = [did(host, f"0/tasks/{n}") for host in ("a.b", "a_b") for n in (1, 2)]
    tasks = [(f"0/tasks/{n}", "same") for n in (1, 2)]
    from opsrun.events import TaskStarted

    begun: list[Event] = [TaskStarted(task, name, "ping") for task, name in tasks]
    root = parsed(reported(replace(PLAYBOOK, hosts=("a.b", "a_b"), exit_status=0), begun + events))
    assert [case.get("name") for case in root.iter("testcase")] == [
        "same",
        "same #2",
        "same #3",
        "same #4",
    ]
    assert {case.get("classname") for case in root.iter("testcase")} == {"a_b"}
    assert [suite.get("name") for suite in root] == ["a.b", "a_b"]
