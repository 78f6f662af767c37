"""The page of a report in a browser: it works, it reads well, and it asks nobody for anything."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.browser import Browser, browser, program
from support.reporting import (
    COMMAND,
    PLAYBOOK,
    command_events,
    cut_off,
    hostile,
    playbook_events,
    reported,
)

from opsrun.journal.history import Unknown
from opsrun.reports.model import RunReport
from opsrun.reports.page import page

pytestmark = pytest.mark.skipif(program() is None, reason="there is no chromium")

REPORTS: dict[str, RunReport] = {
    "playbook": reported(PLAYBOOK, playbook_events()),
    "command": reported(COMMAND, command_events()),
    "cut off": reported(
        cut_off(PLAYBOOK), playbook_events()[:9], [Unknown("web03", "0/tasks/1", "w", 1.0)]
    ),
    "hostile": hostile(),
}

# WCAG 2.2, 1.4.3: the contrast of text and what is behind it, of whatever is shown and has text.
CONTRAST = """
(() => {
  const parts = (color) => (color.match(/[\\d.]+/g) || []).map(Number);
  const light = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((each) => {
      const part = each / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const found = parts(getComputedStyle(node).backgroundColor);
      if (found.length === 3 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  document.querySelectorAll("details").forEach((each) => { each.open = true; });
  const poor = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
    if (!own || !node.checkVisibility() || node.closest("script")) continue;
    const [a, b] = [light(parts(getComputedStyle(node).color)), light(behind(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(node.outerHTML.slice(0, 90) + " " + ratio.toFixed(2));
  }
  return poor;
})()
"""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("chromium")) as found:
        yield found


def shown(chromium: Browser, tmp_path: Path, name: str) -> Path:
    file = tmp_path / "report.html"
    file.write_text("".join(page(REPORTS[name])), "utf-8")
    chromium.show(file)
    return file


def look(chromium: Browser, width: int, scheme: str) -> None:
    chromium.call(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=900,
        deviceScaleFactor=1,
        mobile=width < 600,
    )
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    chromium.call("Emulation.setEmulatedMedia", features=features)


@pytest.mark.parametrize("name", REPORTS)
def test_a_page_is_shown_without_a_complaint_or_a_request(
    chromium: Browser, tmp_path: Path, name: str
) -> None:
    file = shown(chromium, tmp_path, name)
    title = chromium.value("document.title")
    assert title.startswith(chromium.value("document.querySelector('h1').textContent"))
    assert chromium.value("document.querySelectorAll('script').length") == 1
    assert chromium.value("document.querySelectorAll('img, iframe, object, form').length") == 0
    # What is asked for late is seen by now: the browser answers in order.
    chromium.value("new Promise(requestAnimationFrame)")
    assert chromium.complaints() == []
    asked = {url for url in chromium.requests() if not url.startswith("data:")}
    assert asked == {file.as_uri()}


@pytest.mark.parametrize("name", ["playbook", "cut off", "command"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_can_be_read(chromium: Browser, tmp_path: Path, name: str, scheme: str) -> None:
    look(chromium, 1280, scheme)
    shown(chromium, tmp_path, name)
    assert chromium.value(CONTRAST) == []
    paper = chromium.value("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(16, 22, 28)") == (scheme == "dark")


@pytest.mark.parametrize("name", REPORTS)
def test_nothing_sticks_out_on_a_phone(chromium: Browser, tmp_path: Path, name: str) -> None:
    look(chromium, 390, "light")
    shown(chromium, tmp_path, name)
    chromium.value("document.querySelectorAll('details').forEach((each) => {each.open = true})")
    assert chromium.value("document.documentElement.scrollWidth") == 390
    assert chromium.value("getComputedStyle(document.querySelector('h1')).display") == "block"


def test_the_matrix_is_filtered_and_leads_to_what_went_wrong(
    chromium: Browser, tmp_path: Path
) -> None:
    look(chromium, 1280, "light")
    shown(chromium, tmp_path, "playbook")
    rows = (
        "[...document.querySelectorAll('#hosts tbody tr:not([hidden]) th')].map(e => e.innerText)"
    )
    assert sorted(chromium.value(rows)) == ["db01", "web01", "web02", "web03"]
    typed = (
        "(() => {const i = document.querySelector('input[type=search]'); i.value = 'WEB 2';"
        "i.dispatchEvent(new Event('input'))})()"
    )
    chromium.value(typed)
    assert chromium.value(rows) == ["web02"]
    assert chromium.value("document.querySelector('output').textContent") == "1 of 4 shown"
    chromium.value("document.querySelector('td.f a').click()")
    assert chromium.value("location.hash") == "#p4-0"
    chromium.value("document.querySelector('thead a[href=\"#t2\"]').click()")
    opened = "new Promise(done => setTimeout(() => done(document.querySelector('#t2').open)))"
    told = chromium.call(
        "Runtime.evaluate", expression=opened, awaitPromise=True, returnByValue=True
    )
    assert told["result"]["value"] is True
    assert chromium.complaints() == []


def test_it_can_be_printed(chromium: Browser, tmp_path: Path) -> None:
    shown(chromium, tmp_path, "playbook")
    document = base64.b64decode(chromium.call("Page.printToPDF", printBackground=True)["data"])
    assert document.startswith(b"%PDF-")
    assert document.count(b"/Type /Page\n") in (1, 2, 3)


def test_it_is_all_there_without_a_script(chromium: Browser, tmp_path: Path) -> None:
    chromium.call("Emulation.setScriptExecutionDisabled", value=True)
    shown(chromium, tmp_path, "playbook")
    assert chromium.value("document.querySelector('#tools').checkVisibility()") is False
    assert chromium.value("document.querySelectorAll('#hosts td').length") > 15
    chromium.call("Emulation.setScriptExecutionDisabled", value=False)
