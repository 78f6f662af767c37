"""JUnit's XML, as Jenkins and GitLab read it: a suite a host, a case a task.

The elements and attributes are those of Jenkins' schema
(https://github.com/jenkinsci/xunit-plugin, ``junit-10.xsd``). GitLab shows ``classname`` as the
suite, keeps the first of several cases with equal names, and takes files of up to 30 MB
(https://docs.gitlab.com/ci/testing/unit_test_reports). So the host is the class, names are unique,
and only what went wrong brings its output along. Jenkins takes what is before the last dot of a
class for its package; dots of a host's name are underscores there.

There is a failure or an error in it wherever the run did not end, or not with exit status 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.sax.saxutils import escape, quoteattr

from opsrun.reports.model import BY_MARK, Group, Host, RunReport, Said, Status
from opsrun.reports.texts import shortened
from opsrun.reports.words import verdict

_MOST = 4_000
"""Characters of each output."""
_WORDS = {
    Status.UNKNOWN: "it was sent, and how it ended was never written down",
    Status.UNDER_WAY: "it was under way when this was written",
    Status.LOST: "the connection broke under it: what it did is not known",
    Status.UNFINISHED: "the run was cut off before this host had ended",
    Status.NOT_BEGUN: "this host was never come to",
}


@dataclass(slots=True)
class _Case:
    name: str
    status: Status
    seconds: float
    message: str = ""
    body: str = ""
    out: str = ""
    err: str = ""

    @property
    def element(self) -> str:
        """Which element it has inside; empty for one that passed."""
        if self.status is Status.FAILED:
            return "failure"
        if self.status.is_bad or self.status is Status.UNDER_WAY:
            return "error"
        return "skipped" if self.status is Status.SKIPPED else ""


@dataclass(slots=True)
class _Suite:
    name: str
    hostname: str
    cases: list[_Case] = field(default_factory=list)

    def count(self, element: str) -> int:
        return sum(case.element == element for case in self.cases)

    @property
    def seconds(self) -> float:
        return sum(case.seconds for case in self.cases)


def junit(report: RunReport) -> Iterator[str]:
    """The document, in pieces; XML 1.0 in UTF-8."""
    suites = list(_suites(report))
    names = {"name": report.about.title}
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f"<testsuites{_attributes(names | _counts(suites))}>\n"
    moment = datetime.fromtimestamp(report.about.started, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    used: set[tuple[str, str]] = set()
    for suite in suites:
        more = {"skipped": str(suite.count("skipped")), "timestamp": moment}
        head = {"name": suite.name, "hostname": suite.hostname}
        yield f"  <testsuite{_attributes(head | _counts([suite]) | more)}>\n"
        class_name = suite.name.replace(".", "_")
        for case in suite.cases:
            yield from _case(case, class_name, _unique(case.name, class_name, used))
        yield "  </testsuite>\n"
    yield "</testsuites>\n"


def _suites(report: RunReport) -> Iterator[_Suite]:
    problems = {
        (task.number, host): group
        for task in report.tasks
        for group in reversed(task.problems)
        for host in group.hosts
    }
    is_red = False
    for host in report.hosts:
        suite = _Suite(host.name, host.name, list(_cases(report, host, problems)))
        if not any(case.element in ("failure", "error") for case in suite.cases) and (
            host.status.is_bad or host.status is Status.UNDER_WAY
        ):
            words = host.why or _WORDS.get(host.status, str(host.status))
            suite.cases.append(_Case("the host's end", host.status, 0.0, words))
        is_red |= any(case.element in ("failure", "error") for case in suite.cases)
        if suite.cases:
            yield suite
    if not is_red and not report.went_well:
        case = _Case("the run's end", Status.UNFINISHED, 0.0, verdict(report))
        yield _Suite("the run", report.about.machine, [case])


def _cases(
    report: RunReport, host: Host, problems: dict[tuple[int, str], Group]
) -> Iterator[_Case]:
    for task, mark in zip(report.tasks, host.cells, strict=True):
        status = BY_MARK[mark]
        if status is Status.NOT_BEGUN:
            continue
        play = report.plays[task.play] if len(report.plays) > 1 else ""
        name = f"{play}: {task.title}" if play else task.title
        case = _Case(name, status, host.times.get(task.number, 0.0))
        group = problems.get((task.number, host.name))
        if case.element in ("failure", "error"):
            _tell(case, group.said if group else Said(), host.name, task.origin)
        elif status is Status.SKIPPED:
            case.message = host.skipped.get(task.number, "")
        yield case


def _tell(case: _Case, said: Said, host: str, origin: str) -> None:
    own = _own(said, host)
    lines = own.why.splitlines()
    case.message = ": ".join(filter(None, [lines[0] if lines else "", own.how])) or _WORDS.get(
        case.status, str(case.status)
    )
    where = f"at {origin}" if origin else ""
    case.body = "\n".join(filter(None, [own.why, own.hint, own.how, where, own.more]))
    case.out, case.err = own.stdout, own.stderr


def _own(said: Said, host: str) -> Said:
    """With the host's name where a stand-in for all hosts of a group is."""
    parts = (said.why, said.how, said.hint, said.stdout, said.stderr, said.more)
    return Said(*(shortened(part.replace("<host>", host), _MOST) for part in parts))


def _unique(name: str, class_name: str, used: set[tuple[str, str]]) -> str:
    unique, number = name, 1
    while (class_name, unique) in used:
        number += 1
        unique = f"{name} #{number}"
    used.add((class_name, unique))
    return unique


def _case(case: _Case, class_name: str, name: str) -> Iterator[str]:
    head = {"classname": class_name, "name": name, "time": f"{case.seconds:.3f}"}
    element = case.element
    if not element:
        yield f"    <testcase{_attributes(head)}/>\n"
        return
    yield f"    <testcase{_attributes(head)}>\n"
    kind = {"type": str(case.status)} if element != "skipped" else {}
    message = {"message": case.message} if case.message else {}
    yield f"      <{element}{_attributes(message | kind)}>{_text(case.body)}</{element}>\n"
    if case.out:
        yield f"      <system-out>{_text(case.out)}</system-out>\n"
    if case.err:
        yield f"      <system-err>{_text(case.err)}</system-err>\n"
    yield "    </testcase>\n"


def _counts(suites: Sequence[_Suite]) -> dict[str, str]:
    return {
        "tests": str(sum(len(suite.cases) for suite in suites)),
        "failures": str(sum(suite.count("failure") for suite in suites)),
        "errors": str(sum(suite.count("error") for suite in suites)),
        "time": f"{sum(suite.seconds for suite in suites):.3f}",
    }


def _attributes(values: dict[str, str]) -> str:
    entities = {"\n": "&#10;", "\t": "&#9;"}
    return "".join(f" {name}={quoteattr(value, entities)}" for name, value in values.items())


def _text(words: str) -> str:
    """All of it is harmless text, and so of characters that XML may have (XML 1.0, 2.2)."""
    return escape(words)
