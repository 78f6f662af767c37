"""Handlers that did not run because their host failed, and a later run that carries them out."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.playruns import Ran, run
from support.plays import AWAY, FAILS, block, flush, handler, meta, notifies, play

from opsrun import Fleet, UsageError
from opsrun.composition.playbooks import pending_file
from opsrun.composition.playbooks.options import PlaybookOptions
from opsrun.composition.playbooks.pending_file import PendingFile

TEXT = """
- name: site
  hosts: all
  gather_facts: false
  strategy: STRATEGY
  tasks:
  - {name: conf, command: 'true', notify: [restart, topic], when: changes | default(false)}
  - {name: bad, fail: , when: "inventory_hostname in fails | default([])"}
  - {name: last, debug: }
  handlers:
  - {name: restart, debug: }
  - {name: listens, debug: , listen: topic}
"""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PendingFile:
    monkeypatch.setattr(pending_file, "folder", lambda: tmp_path / "state" / "pending")
    return PendingFile(["site.yml"], ["h1,h2,"], str(tmp_path))


Play = Callable[..., Ran]


@pytest.fixture(params=["linear", "free"])
def go(tmp_path: Path, store: PendingFile, request: pytest.FixtureRequest) -> Play:
    def carry_out(resume: bool = False, text: str = TEXT, **more: Any) -> Ran:
        extra = {"ansible_connection": "local", **more.pop("extra", {})}
        options = PlaybookOptions(pending=store, resume=resume)
        written = text.replace("STRATEGY", str(request.param))
        return run(tmp_path, written, "h1,h2,", extra=extra, options=options, **more)

    return carry_out


FAILING = {"changes": True, "fails": ["h1"]}


def handled(ran: Ran) -> list[str]:
    return [each for each in ran.done if each.split(":")[0] in ("restart", "listens")]


def test_what_is_left_runs_behind_the_tasks_of_the_next_run(go: Play, store: PendingFile) -> None:
    ran = go(extra=FAILING)
    assert ran.pending == {"h1": ("restart", "listens")}
    assert ran.stage.report.pending == ran.pending
    assert any("--resume carries them out" in words for words in ran.notices)
    ran = go(resume=True)
    assert handled(ran) == ["restart:h1", "listens:h1"]
    # Each host goes its own way where it is free to.
    assert ran.done.index("last:h1") < ran.done.index("restart:h1")
    assert ran.status == 0
    assert store.load() is None
    with pytest.raises(UsageError, match="no handlers are pending of these playbooks"):
        go(resume=True)


def test_a_run_that_says_nothing_of_it_says_that_they_are_pending(
    go: Play, store: PendingFile
) -> None:
    go(extra=FAILING)
    record = store.load()
    assert record is not None
    ran = go()
    assert handled(ran) == []
    assert f"handlers are pending on h1 from the run of {record.when}: --resume runs them" in (
        ran.notices
    )
    assert store.load() is not None
    # Notified anew they run, and nothing is left.
    assert "restart:h1" in handled(go(extra={"changes": True}))
    assert store.load() is None


def test_a_host_that_fails_again_keeps_them(go: Play, store: PendingFile) -> None:
    go(extra=FAILING)
    assert handled(go(resume=True, extra={"fails": ["h1"]})) == []
    assert handled(go(resume=True)) == ["restart:h1", "listens:h1"]


def test_hosts_that_are_left_out_keep_them(go: Play, store: PendingFile) -> None:
    go(extra={"changes": True, "fails": ["h1", "h2"]})
    assert handled(go(resume=True, limit="h2")) == ["restart:h2", "listens:h2"]
    record = store.load()
    assert record is not None
    assert record.hosts == ("h1",)
    assert handled(go(resume=True)) == ["restart:h1", "listens:h1"]


def test_check_mode_keeps_the_record_as_it_is(go: Play, store: PendingFile) -> None:
    go(extra=FAILING, check=True)
    assert store.load() is None
    go(extra=FAILING)
    before = store.path.read_text()
    assert handled(go(resume=True, check=True)) == ["restart:h1", "listens:h1"]
    assert store.path.read_text() == before


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("name: site", "name: other", "play 1 was 'site', and now it is 'other'"),
        ("name: restart", "name: reload", "had the handler 'restart': its place has 'reload'"),
        ("  - {name: listens, debug: , listen: topic}\n", "", "'listens': it is gone"),
    ],
)
def test_a_playbook_that_has_changed_is_refused(go: Play, old: str, new: str, words: str) -> None:
    go(extra=FAILING)
    with pytest.raises(UsageError, match=words) as caught:
        go(resume=True, text=TEXT.replace(old, new))
    assert "has changed since handlers were left pending" in str(caught.value)


def test_the_record_is_private_and_holds_no_value(go: Play, store: PendingFile) -> None:
    text = TEXT.replace("name: listens", "name: 'listens {{ s3cret }}'")
    go(text=text, extra={**FAILING, "s3cret": "hunter2"})
    written = store.path.read_text()
    assert "hunter2" not in written
    assert "listens {{ s3cret }}" in written
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700
    assert [path.name for path in store.path.parent.iterdir()] == [store.path.name]
    assert "listens x:h1" in go(resume=True, text=text, extra={"s3cret": "x"}).done


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"version": 2}', '{"version": 1}'])
def test_a_record_that_can_not_be_read(go: Play, store: PendingFile, content: str) -> None:
    store.path.parent.mkdir(parents=True)
    store.path.write_text(content)
    with pytest.raises(UsageError, match="is no record of pending handlers"):
        go(resume=True)
    assert go().status == 0


def test_a_folder_that_can_not_be_written(go: Play, store: PendingFile, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no folder")
    ran = go(extra=FAILING)
    assert any("can't be kept for --resume" in words for words in ran.notices)
    assert ran.status == 1


def test_handlers_of_roles_that_are_included(tmp_path: Path, store: PendingFile) -> None:
    files = {
        "site.yml": """
- hosts: all
  gather_facts: false
  tasks:
  - include_role: {name: r}
  - {name: bad, fail: , when: fails is defined}
""",
        "roles/r/tasks/main.yml": "- {name: t, raw: 'true', notify: h, when: fails is defined}\n",
        "roles/r/handlers/main.yml": "- {name: h, debug: }\n",
    }
    here = {"ansible_connection": "local"}
    options = PlaybookOptions(pending=store)
    assert run(tmp_path, files, "h1,", extra={**here, "fails": 1}, options=options).pending
    ran = run(
        tmp_path, files, "h1,", extra=here, options=PlaybookOptions(pending=store, resume=True)
    )
    assert ran.done[-1] == "h:h1"
    assert store.load() is None


def test_two_plays_each_have_their_own(tmp_path: Path, store: PendingFile) -> None:
    one = TEXT.replace("STRATEGY", "linear").replace("name: site", "name: one")
    text = one + one.replace("name: one", "name: two").replace("hosts: all", "hosts: h2")
    here = {"ansible_connection": "local"}
    extra = {**here, "changes": True, "fails": ["h2"]}
    run(tmp_path, text, "h1,h2,", extra=extra, options=PlaybookOptions(pending=store))
    record = store.load()
    assert record is not None
    assert [(each.index, each.name, list(each.due)) for each in record.plays] == [
        (0, "one", ["h2"])
    ]
    ran = run(
        tmp_path, text, "h1,h2,", extra=here, options=PlaybookOptions(pending=store, resume=True)
    )
    assert handled(ran) == ["restart:h2", "listens:h2"]


def test_the_library_keeps_and_resumes(tmp_path: Path, store: PendingFile) -> None:
    (tmp_path / "hosts").write_text("h1 ansible_connection=local\n")
    (tmp_path / "site.yml").write_text(TEXT.replace("STRATEGY", "linear"))
    fleet = Fleet(tmp_path / "hosts")
    report = fleet.playbook(tmp_path / "site.yml", extra_vars={"changes": True, "fails": ["h1"]})
    assert report.pending == {"h1": ("restart", "listens")}
    [path] = store.path.parent.iterdir()
    assert json.loads(path.read_text())["inventory"] == [str(tmp_path / "hosts")]
    assert fleet.playbook(tmp_path / "site.yml", resume=True).exit_status() == 0
    with pytest.raises(UsageError, match="no handlers are pending"):
        fleet.playbook(tmp_path / "site.yml", resume=True)


@pytest.mark.parametrize("strategy", ["linear", "free", "host_pinned"])
def test_a_handler_that_a_host_was_lost_at_is_pending(strategy: str) -> None:
    made = play(
        [block("B", "a", meta("flush_handlers", "f"))],
        {("a", "*"): notifies("h", "i"), ("h", "b"): AWAY, ("h", "c"): FAILS},
        handlers=[handler("h"), handler("i")],
        strategy=strategy,  # type: ignore[arg-type]
    )
    assert made.end is not None
    assert made.end.pending == {"b": ("h", "i"), "c": ("i",)}
    assert made.end.due["b"] == {"h": "h", "i": "i"}


@pytest.mark.parametrize("strategy", ["linear", "free", "host_pinned"])
def test_what_a_play_begins_with_waits_for_the_first_task(strategy: str) -> None:
    due = {"b": frozenset({"h", "gone+1/x"})}
    made = play(
        [flush("f1"), block("B", "a"), flush("f2")],
        handlers=[handler("h")],
        due=due,
        strategy=strategy,  # type: ignore[arg-type]
    )
    assert made.by("a") == ["a"]
    assert made.by("b") == ["a", "h"]
    assert made.end is not None
    assert made.end.pending == {}
    assert made.end.due == {"b": {"gone+1/x": ""}}
