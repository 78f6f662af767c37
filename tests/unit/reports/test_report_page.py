"""The page: whole, closed, and with nothing in it that a host could bring to life."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
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
)

from opsrun.events import Outcome
from opsrun.journal.history import Unknown
from opsrun.reports import hosts_html
from opsrun.reports.model import RunReport
from opsrun.reports.page import page

_VOID = {"meta", "link", "input", "rect"}
_OPEN_ENDED = {"td", "tr"}
"""Cells are many, and HTML lets the end of these go without saying."""
_KNOWN = """
html head meta link title style body header div h1 h2 h3 p code span ul ol li b dl dt dd nav a
main section article pre details summary table thead tbody tr th td i label input output small svg
rect script footer button ins del
"""
_ATTRIBUTES = """
lang charset http-equiv content name rel href class style id tabindex role aria-label aria-live
aria-hidden scope colspan title hidden type placeholder autocomplete data-bad data-names value
viewbox preserveaspectratio width height
"""


class Page(HTMLParser):
    """Reads a page strictly: everything that is opened is closed, and nothing is unheard of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.scripts: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in _KNOWN.split()
        assert {name for name, _ in attrs} <= set(_ATTRIBUTES.split())
        found = dict(attrs)
        assert re.fullmatch(r"flex-grow:\d+", found.get("style") or "flex-grow:1")
        self.ids += [found["id"] or ""] if "id" in found else []
        self.links += [found["href"] or ""] if "href" in found else []
        while tag in _OPEN_ENDED and self.open[-1] in ("td", tag):
            self.open.pop()
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open[-1] in _OPEN_ENDED and self.open[-1] != tag:
            self.open.pop()
        if tag not in _VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        tag = self.open[-1] if self.open else ""
        self.texts.setdefault(tag, []).append(data)
        if tag == "script":
            self.scripts.append(data)


def html(report: RunReport) -> str:
    return "".join(page(report))


REPORTS = {
    "playbook": lambda: reported(PLAYBOOK, playbook_events()),
    "command": lambda: reported(COMMAND, command_events()),
    "cut off": lambda: reported(
        cut_off(PLAYBOOK), playbook_events()[:9], [Unknown("web03", "0/tasks/1", "w", 1.0)]
    ),
    "nothing": lambda: reported(cut_off(COMMAND), []),
    "hostile": hostile,
}


@pytest.mark.parametrize("name", REPORTS)
def test_a_page_is_whole(name: str) -> None:
    found = Page(html(REPORTS[name]()))
    assert len(set(found.ids)) == len(found.ids)
    targets = {link[1:] for link in found.links if link.startswith("#")}
    assert targets <= set(found.ids)
    others = [link for link in found.links if not link.startswith("#")]
    assert [link.partition(",")[0] for link in others] == ["data:image/svg+xml"]
    assert len(found.scripts) == 1


def test_the_policy_lets_our_script_run_and_nothing_else() -> None:
    text = html(hostile())
    found = Page(text)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    digest = base64.b64encode(hashlib.sha256(found.scripts[0].encode()).digest()).decode()
    assert policy is not None
    assert policy[1].split("; ") == [
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        f"script-src 'sha256-{digest}'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_no_network_is_named_but_for_a_name_space() -> None:
    text = html(reported(PLAYBOOK, playbook_events()))
    assert re.findall(r"[a-z]+://[^'\"]*", text) == ["http://www.w3.org/2000/svg"]
    assert "url(" not in text
    assert "@import" not in text


def test_what_is_worst_comes_first() -> None:
    events = playbook_events()[:9]
    report = reported(cut_off(PLAYBOOK), events, [Unknown("web03", "0/tasks/1", "w", 1.0)])
    text = html(report)
    assert "<h1>Cut off: 1 of 4 hosts had ended; 1 outcome is not known</h1>" in text
    places = [text.index(f'<section id="{name}"') for name in ("open", "problems", "hosts")]
    assert places == sorted(places)
    problems = Page(html(reported(PLAYBOOK, playbook_events()))).texts["span"]
    shown = [words for words in problems if words in ("lost", "unreachable", "failed")]
    assert shown[:3] == ["lost", "unreachable", "failed"]


def test_bad_cells_lead_to_what_went_wrong() -> None:
    text = html(reported(PLAYBOOK, playbook_events()))
    assert '<td class=f><a href="#p4-0" aria-label="failed: fails">F</a>' in text
    assert 'id="p4-0"' in text


def test_many_hosts_that_fared_the_same_have_one_row() -> None:
    hosts = tuple(f"web{number:04}" for number in range(1000))
    events = [did(host, "0/tasks/0", Outcome.OK) for host in hosts[:-1]]
    events.append(did(hosts[-1], "0/tasks/0", Outcome.FAILED, result={"msg": "no"}))
    text = html(reported(cut_off(PLAYBOOK), events))
    assert text.count("<tr") == 1 + 2 + 1
    assert "web[0000-0998] (999)" in text
    assert "web0500, " in text
    assert len(text) < 100_000


def test_a_matrix_that_is_too_large_says_what_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts_html, "CELLS", 90)
    monkeypatch.setattr(hosts_html, "FEW", 2)
    hosts = [f"h{number}" for number in range(64)]
    events = [
        did(host, f"0/tasks/{task}", Outcome.CHANGED if number >> task & 1 else Outcome.OK)
        for number, host in enumerate(hosts)
        for task in range(6)
    ]
    events += [did(host, "0/tasks/9") for host in hosts]
    text = html(reported(cut_off(PLAYBOOK), events))
    words = re.search("Left out, for there is so much: ([^<]*)", text)
    assert words is not None
    # 15 rows of 65 are shown; the first is that of the playbook's own 4, which nothing became of.
    assert words[1] == "1 task that changed nothing anywhere and 50 hosts that fared better."


def test_long_outputs_are_folded_and_short_ones_are_not() -> None:
    lines = "\n".join(map(str, range(30)))
    events = [did("web01", "0/tasks/0", result={"stdout": lines, "stderr": "short"})]
    text = html(reported(PLAYBOOK, events))
    assert "<summary>stdout, 30 lines</summary>" in text
    assert '<p class="stream">stderr</p><pre class="err" tabindex="0">short</pre>' in text


def test_short_outputs_that_differ_stand_in_a_table() -> None:
    hosts = [f"h{number}" for number in range(20)]
    events = [ended(host, rc=0, stdout=f"up {n} days\n".encode()) for n, host in enumerate(hosts)]
    text = html(reported(replace(COMMAND, hosts=tuple(hosts)), events))
    assert "<tr><th scope=row>h3</th><td class=mono>up 3 days</td></tr>" in text
    assert text.count("<pre") == 0
    few = html(reported(COMMAND, [ended("web01", stdout=b"a\n"), ended("web02", stdout=b"b\n")]))
    assert few.count("<pre") == 2


def test_a_run_of_which_nothing_is_like_anything_else_stays_small() -> None:
    hosts = [f"h{number}" for number in range(400)]
    events = [
        did(
            host,
            f"0/tasks/{task}",
            Outcome.FAILED if number % 7 == task else Outcome.CHANGED,
            result={"stdout": f"{number} {task}\n" * 300, "msg": f"{number} says no {task}"},
        )
        for task in range(8)
        for number, host in enumerate(hosts)
    ]
    text = html(reported(cut_off(PLAYBOOK), events))
    assert len(text) < 4_000_000
    assert "left out" in text
    assert "others; the journal has them." in text
