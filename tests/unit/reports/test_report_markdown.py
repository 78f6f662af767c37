"""Markdown: read back by a parser of it, and what hosts said is nothing but text."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
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

from opsrun.events import Event, Outcome
from opsrun.journal.history import Unknown
from opsrun.reports.markdown import MOST, code, fence, markdown
from opsrun.reports.model import RunReport


def rendered(text: str) -> str:
    """As HTML: CommonMark with GitHub's tables, and tags let through."""
    found = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    assert isinstance(found, str)
    return found


def shown(report: RunReport) -> str:
    return "".join(markdown(report))


def tags(html: str) -> set[str]:
    return set(re.findall(r"<([a-zA-Z0-9]+)", html))


def test_what_matters_comes_first() -> None:
    text = shown(reported(PLAYBOOK, playbook_events()))
    assert text.startswith("### ❌ 4 of 4 hosts did not end well\n")
    parts = [
        "lost",
        "**lost** <code>web01</code>",
        "**failed**",
        "left to do",
        "<summary>Changes</summary>",
    ]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    html = rendered(text)
    assert "<td" in html
    assert '<code class="language-diff">--- before' in html
    assert "-old\n+new\n" in html


def test_a_command_and_one_that_was_cut_off() -> None:
    text = shown(reported(COMMAND, command_events()))
    assert "**failed** <code>web03</code>, exit status 1" in text
    assert "is the disk full" in text
    unknown = [Unknown("web03", "", "w", 5.0)]
    text = shown(reported(cut_off(COMMAND), command_events()[:3], unknown))
    assert text.index("#### Not known") < text.index("Outputs")
    assert "- <code>web03</code>\n" in text


def test_what_hosts_say_stays_text() -> None:
    html = rendered(shown(hostile()))
    known = "h3 h4 p code table thead tbody tr th td ul li strong pre details summary sub br"
    assert tags(html) <= set(known.split(" "))
    assert not re.findall("<(?:a|img|script|style)", html)
    outside = re.sub(r"<(code|pre)\b.*?</\1>", "", html, flags=re.DOTALL)
    assert "everyone" not in outside
    assert "192.0.2.1" not in outside
    assert "owned" not in outside


@given(
    st.text(
        alphabet=st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("`|<>&@*_[]#~\\!")
    )
)
def test_code_is_the_text_and_nothing_but_text(text: str) -> None:
    html = rendered(f"| a | b |\n| --- | --- |\n| {code(text)} | x |\n")
    assert html.count("<td") == 2
    assert tags(html) <= {"table", "thead", "tbody", "tr", "th", "td", "code"}
    from html import unescape

    found = re.search(r"<td>(.*?)</td>", html, re.DOTALL)
    assert found is not None
    read = unescape(re.sub(r"</?code>", "", found[1]))
    assert read == text or (read.split() == text.split() and "�" not in text)


@given(st.text(alphabet="`~ab\n"))
def test_nothing_ends_a_fence(text: str) -> None:
    html = rendered(fence(text) + "\nafter\n")
    assert html.count("<pre>") == 1
    assert html.endswith("<p>after</p>\n")


def test_there_is_never_more_than_a_comment_holds() -> None:
    hosts = tuple(f"host-{number}-{'x' * 40}" for number in range(200))
    events: list[Event] = [
        did(host, f"0/tasks/{task}", Outcome.FAILED, result={"msg": f"{task} {number}" * 300})
        for task in range(3)
        for number, host in enumerate(hosts)
    ]
    events += [ended(host, Outcome.FAILED) for host in hosts]
    text = shown(reported(replace(PLAYBOOK, hosts=hosts), events))
    assert len(text) < MOST + 200
    assert re.search(r"… and 5[0-9]+ others\.", text) or "a comment has no room" in text
    assert text.count("<details>") == text.count("</details>")


def test_changes_and_outputs_share_the_room() -> None:
    events: list[Event] = []
    for number in range(40):
        text = f"{number} says\n" * 150
        result = {"stdout": text, "diff": {"before": "", "after": text}}
        more = {"result": result, "diff": True}
        events.append(did("web01", f"0/tasks/{number}", Outcome.CHANGED, **more))
    text = shown(reported(PLAYBOOK, events))
    assert "<summary>Changes</summary>" in text
    assert "<summary>Outputs</summary>" in text
    assert len(re.findall(r"… and \d+ more\.", text)) == 2
    assert text.endswith("</sub>\n")
    assert len(text) < MOST
