"""Results and reports, as people see them: short, whole, and harmless whatever a host has said."""

from __future__ import annotations

import copy
import io
import json
import pickle
from html.parser import HTMLParser

import pytest
import rich.console
from event_runs import chunks, result, runs, started, summary, texts
from hypothesis import given
from hypothesis import strategies as st

from opsrun import errors
from opsrun.errors import CommandFailed, ConnectionFailed, HostError, HostKeyError, RunFailed
from opsrun.events import ErrorInfo, Event, Outcome, Result
from opsrun.report import Report
from opsrun.views.sanitise import is_plain
from opsrun.views.table import LINES, ROWS, excerpt

HOSTILE = (
    b"<script>alert(1)</script><img src=x onerror=y>&\"'\x1b]0;x\x07[link=http://evil]z[/link]"
)


class Tags(HTMLParser):
    """The tags and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert {name for name, _ in attrs} <= {"style"}

    def handle_data(self, data: str) -> None:
        self.text += data


KNOWN_TAGS = {"table", "caption", "thead", "tbody", "tr", "th", "td", "p"}


def shown_by_rich(view: object, width: int = 400) -> str:
    written = io.StringIO()
    rich.console.Console(file=written, width=width, force_terminal=False).print(view)
    return written.getvalue()


def test_bytes_and_text() -> None:
    told = result("web01", stdout=b"caf\xc3\xa9\n", stderr=b"\xff")
    assert (told.out, told.err) == ("café\n", "\N{REPLACEMENT CHARACTER}")
    assert told.ok
    assert told.raise_for_failure() is told
    assert told.exception() is None


def test_a_repr_is_short_whatever_was_said() -> None:
    long = result(
        "web01", Outcome.FAILED, rc=2, stdout=b"x" * 100_000, stderr=b"\x1b[2J", duration=0.5
    )
    assert repr(long) == (
        f"<Result web01: failed, rc 2, 0.50 s, out 'x{'x' * 59}'…, err '\\x1b[2J'>"
    )
    away = result("db01", Outcome.UNREACHABLE, error=ErrorInfo("tcp", "refused"))
    assert repr(away) == "<Result db01: unreachable, 0.00 s, tcp: 'refused'>"
    assert repr(result("db01", Outcome.FAILED, signal="KILL")) == (
        "<Result db01: failed, SIGKILL, 0.00 s>"
    )


@given(st.lists(st.tuples(texts, chunks, chunks, st.none() | texts), max_size=3))
def test_no_host_gets_markup_into_a_notebook(
    said: list[tuple[str, bytes, bytes, str | None]],
) -> None:
    results = [
        result(
            host,
            Outcome.FAILED if why else Outcome.OK,
            stdout=out + HOSTILE,
            stderr=err,
            error=ErrorInfo("run", why) if why else None,
        )
        for host, out, err, why in said
    ]
    for page in (Report(results)._repr_html_(), *(each._repr_html_() for each in results)):
        assert Tags(page).tags <= KNOWN_TAGS
        assert is_plain(page)


def test_a_notebook_shows_hosts_outcomes_and_output() -> None:
    bad = result("db01", Outcome.FAILED, rc=3, stdout=b"out", stderr=b"a < b")
    page = Tags(Report([result("web01", stdout=b"fine\n"), bad])._repr_html_()).text
    for words in ("web01", "ok", "fine", "db01", "failed", "3", "a < b", "ok 1, failed 1"):
        assert words in page


def test_rich_shows_text_and_never_markup() -> None:
    bad = result("db01", Outcome.FAILED, rc=3, stderr=HOSTILE)
    for view in (Report([bad]), bad):
        text = shown_by_rich(view)
        assert "[link=http://evil]z[/link]" in text
        assert "^[]0;x^G" in text
        assert "\x1b]" not in text


def test_rich_finds_the_tables_by_itself() -> None:
    text = shown_by_rich(Report([result("web01", stdout=b"fine\n")]))
    assert "web01" in text
    assert "fine" in text


def test_a_long_table_says_what_it_leaves_out() -> None:
    report = Report(result(f"h{number}") for number in range(ROWS + 5))
    assert "… and 5 more" in report._repr_html_()
    assert "… and 5 more" in shown_by_rich(report)


@given(st.text())
def test_an_excerpt_is_the_end_of_what_was_said(text: str) -> None:
    shown = excerpt(text)
    assert len(shown.splitlines()) <= LINES
    if not shown.startswith("…"):
        assert shown == "\n".join(text.rstrip().splitlines())
    elif (last := text.rstrip().splitlines()[-1]) and len(last) < 100:
        assert shown.endswith(last)


@given(runs())
def test_reports_are_copied_pickled_and_written_as_json(events: list[Event]) -> None:
    report = Report(events)
    plain = [each for each in report if all(v == v for v in each.data.values())]
    for other in (pickle.loads(pickle.dumps(report)), copy.deepcopy(report), copy.copy(report)):
        assert (other.run, other.hosts, repr(other)) == (report.run, report.hosts, repr(report))
        assert [r for r in other if all(v == v for v in r.data.values())] == plain
    document = json.loads(json.dumps(report.to_dict(), default=str))
    assert [each["host"] for each in document["results"]] == [each.host for each in report]


def test_every_result_of_a_host_is_kept() -> None:
    first, second = result("web01", stdout=b"1"), result("web01", stdout=b"2")
    report = Report([started("web01", "web01"), first, second, summary([first, second])])
    assert report.of("web01") == [first, second]
    assert report["web01"] == second
    assert report.of("web02") == []


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        (result("a", Outcome.FAILED, rc=2, stderr=b"x\nno\n"), CommandFailed, "exit status 2: no"),
        (result("a", Outcome.FAILED, rc=2, stdout=b"\x1b[2J"), CommandFailed, "status 2: ^[[2J"),
        (result("a", Outcome.FAILED, signal="TERM"), CommandFailed, "killed by SIGTERM"),
        (
            result(
                "a", Outcome.UNREACHABLE, error=ErrorInfo("hostkey", "new", kind="HostKeyError")
            ),
            HostKeyError,
            "a: hostkey: new",
        ),
        (
            result("a", Outcome.UNREACHABLE, error=ErrorInfo("tcp", "no", "try")),
            ConnectionFailed,
            "a: tcp: no (try)",
        ),
        (
            result("a", Outcome.UNREACHABLE, error=ErrorInfo("open", "no", kind="ConnectionLost")),
            ConnectionFailed,
            "a: open: no",
        ),
        (
            result("a", Outcome.LOST, error=ErrorInfo("run", "reset", kind="ConnectionLost")),
            errors.ConnectionLost,
            "a: run: reset",
        ),
        (
            result("a", Outcome.CANCELLED, error=ErrorInfo("queued", "x", kind="UsageError")),
            errors.Cancelled,
            "a: queued: x",
        ),
        (
            result("a", Outcome.FAILED, error=ErrorInfo("run", "late", kind="CommandTimeout")),
            errors.CommandTimeout,
            "a: run: late",
        ),
        (result("a", Outcome.FAILED, error=ErrorInfo("run", "?", kind="PHASES")), HostError, "a: "),
    ],
)
def test_a_failure_is_raised_as_what_it_was(
    given: Result, kind: type[HostError], words: str
) -> None:
    with pytest.raises(HostError) as caught:
        given.raise_for_failure()
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert caught.value.host == "a"
    assert caught.value.phase
    assert caught.value.result is given
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again), again.result) == (kind, str(caught.value), given)


def test_a_failed_run_has_an_error_for_each_host() -> None:
    bad = [result("a", Outcome.FAILED, rc=2), result("b", Outcome.FAILED, signal="KILL")]
    with pytest.raises(RunFailed) as caught:
        Report([result("c"), *bad]).raise_for_failures()
    assert [(each.host, each.phase) for each in caught.value.errors] == [("a", "run"), ("b", "run")]
    assert (caught.value.host, caught.value.phase) == ("", "")
    with pytest.raises(RunFailed) as caught:
        Report([result("c"), bad[1]]).raise_for_failures()
    assert (caught.value.host, caught.value.phase) == ("b", "run")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.host) == (str(caught.value), "b")


def test_every_error_tells_of_a_host_and_a_phase() -> None:
    kinds = [each for each in vars(errors).values() if isinstance(each, type)]
    raised = [kind for kind in kinds if issubclass(kind, errors.OpsrunError)]
    assert len(raised) > 15
    for kind in raised:
        error = kind("what happened")
        assert isinstance(error.host, str)
        assert isinstance(error.phase, str)
