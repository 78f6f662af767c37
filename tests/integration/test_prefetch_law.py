"""What hosts were asked ahead is not to be noticed: a run with prefetch is the run without it.

Random playbooks on two names of this machine that share one folder, so that what one does the other
sees; every event is compared.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.playruns import run

from opsrun.events import (
    Event,
    HandlersPending,
    Notice,
    Result,
    TaskResult,
    TaskStarted,
)

FILES = ("a", "b", "d/c", "d")
TIMES = re.compile(r"\b\d{4}-\d\d-\d\d[ T][\d:.]+|\b\d{10}\.\d+|opsrun-[0-9a-f]+")
MOVING = {"atime", "mtime", "ctime", "inode", "start", "end", "delta", "duration", "version"}

names = st.sampled_from(FILES)
values = st.sampled_from(
    (
        "one",
        "two",
        "{{ inventory_hostname }}",
        "{{ r0.changed | default('pending') }}",
        "{{ r1.stat.exists | default(false) }}",
        "{{ told | default('nothing told') }}",
        "{{ r2.stdout | default(r1.stat.checksum) | default('?') }}",
        "{{ lookup('pipe', 'date +%s >> ' ~ root ~ '/a; echo looked') }}",
        "{{ hostvars['h1'].told | default('h1 is silent') }}",
        "{{ hostvars['h2'].r0.changed | default('h2 has not begun') }}",
        "{{ undefined_here }}",
    )
)


def path(name: str) -> str:
    return "{{ root }}/" + name


@st.composite
def module(draw: Any) -> dict[str, Any]:
    """A task's module and its arguments."""
    name, value = draw(names), draw(values)
    kinds: list[dict[str, Any]] = [
        {"file": {"path": path(name), "state": draw(st.sampled_from(("directory", "absent")))}},
        {"file": {"path": path(name), "mode": draw(st.sampled_from(("0600", "0755")))}},
        {"copy": {"dest": path(name), "content": value}},
        {"copy": {"dest": path(draw(names)), "src": path(name), "remote_src": True}},
        {"lineinfile": {"path": path(name), "line": value, "create": draw(st.booleans())}},
        {"template": {"src": "t.j2", "dest": path(name)}},
        {"stat": {"path": path(name)}},
        {"slurp": {"src": path(name)}},
        {"command": f"sh -c 'echo {name} >> {path('a')}; cat {path(name)}'"},
        {"shell": f"rm -rf {path(name)}; echo done"},
        {"set_fact": {"told": value}},
        {"debug": {"msg": f"{value} {{{{ r1 | default('-') | string | length }}}}"}},
        {"assert": {"that": [draw(st.sampled_from(CONDITIONS))], "quiet": True}},
        {"ping": {"data": value}},
        {"pause": {"seconds": 0}},
        {"meta": draw(st.sampled_from(("flush_handlers", "reset_connection", "noop")))},
    ]
    return draw(st.sampled_from(kinds))


CONDITIONS = (
    "r0 is changed",
    "r1.stat.exists | default(false)",
    "told is defined",
    "r2 is defined and r2 is changed",
    "inventory_hostname == 'h1'",
    "true",
    "false",
)


@st.composite
def task(draw: Any, number: int) -> dict[str, Any]:
    """A task, with some of the keywords that decide what may be asked ahead of it."""
    made: dict[str, Any] = {"name": f"t{number}", **draw(module())}
    if "meta" in made or "pause" in made:
        return made
    loops = not {"assert", "set_fact"} & set(made)
    more: list[dict[str, Any]] = [
        {},
        {},
        {},
        {"when": draw(st.sampled_from(CONDITIONS))},
        {"delegate_to": draw(st.sampled_from(("h1", "h2", "{{ groups.all | last }}")))},
        {"run_once": True},
        {"check_mode": draw(st.booleans())},
        {"ignore_errors": True},
        {"environment": {"LANG": "C", "X": "{{ told | default('') }}"}},
        {"until": "true", "retries": 1, "delay": 0},
        {"changed_when": draw(st.sampled_from(CONDITIONS))},
        {"no_log": True},
        {"notify": "handler"},
        {"vars": {"told": draw(values)}},
    ]
    if loops:
        more += [{"loop": ["a", "b", "d/c"], "vars": {"root": "{{ base }}/{{ item }}x"}}] * 2
        more += [{"loop": ["a", "a"]}, {"with_items": ["b", ["a"]]}]
    if os.geteuid() == 0 and shutil.which("sudo"):
        more += [{"become": True}, {"become": True, "become_user": "nobody"}]
    made |= draw(st.sampled_from(more))
    if draw(st.booleans()):
        made["register"] = draw(st.sampled_from(("r0", "r1", "r2")))
    return made


@st.composite
def plays(draw: Any) -> str:
    """A playbook."""
    each = [draw(task(number)) for number in range(draw(st.integers(2, 9)))]
    body: list[dict[str, Any]] = each
    if draw(st.booleans()):
        cut = draw(st.integers(0, len(each) - 1))
        inside = each[cut:] or [{"name": "x", "ping": None}]
        block = {"block": inside, "always": [{"name": "z", "stat": {"path": path("a")}}]}
        if draw(st.booleans()):
            block["rescue"] = [{"name": "y", "copy": {"dest": path("b"), "content": "rescued"}}]
        body = [*each[:cut], block]
    handlers = [{"name": "handler", "copy": {"dest": path("a"), "content": "handled"}}]
    play = {
        "hosts": "all",
        "gather_facts": False,
        "strategy": draw(st.sampled_from(("linear", "linear", "free"))),
        "tasks": body,
        "handlers": handlers,
    }
    more = {"hosts": "all", "gather_facts": False, "tasks": [{"name": "last", "ping": None}]}
    return yaml.safe_dump([play, more], sort_keys=False)


def still(value: Any) -> Any:
    """Without what no two runs have in common."""
    if isinstance(value, Mapping):
        return {name: still(each) for name, each in value.items() if name not in MOVING}
    if isinstance(value, (list, tuple)):
        return [still(each) for each in value]
    return TIMES.sub("(time)", value) if isinstance(value, str) else value


def told(event: Event) -> Any:
    """What is to be the same."""
    kind = type(event).__name__
    match event:
        case TaskStarted():
            return kind, event.name
        case TaskResult():
            result = still(event.result)
            result.pop("invocation", None)
            shown = (event.item, event.delegate, event.ignored, event.attempt, event.included)
            return kind, event.host, event.task, event.name, str(event.outcome), result, shown
        case Notice():
            return kind, event.level, TIMES.sub("(time)", event.message), event.host
        case HandlersPending():
            return kind, event.host, event.handlers
        case Result():
            return kind, event.host, str(event.outcome), event.data
        case _:
            return kind


def outcome(folder: Path, text: str, *, prefetch: bool, check: bool) -> tuple[list[Any], Any]:
    """Every event of a run, and what it left."""
    base, book = folder / "base", folder / "book"
    shutil.rmtree(base, ignore_errors=True)
    (base / "d").mkdir(parents=True)
    (base / "b").write_text("first\n")
    for path in (folder, base):
        path.chmod(0o755)
    extra = {"ansible_connection": "local", "base": str(base)}
    files = {"site.yml": text, "t.j2": "{{ told | default('-') }} {{ inventory_hostname }}\n"}
    files["group_vars/all.yml"] = 'root: "{{ base }}"\n'
    more: dict[str, Any] = {"json": False, "forks": 1, "diff": True, "check": check}
    ran = run(book, files, "h1,h2,", extra=extra, prefetch=prefetch, **more)
    left = {
        str(path.relative_to(base)): path.read_bytes() if path.is_file() else None
        for path in sorted(base.rglob("*"))
    }
    return [told(event) for event in ran.events], left


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prefetch")


@settings(
    deadline=None,
    suppress_health_check=list(HealthCheck),
    max_examples=settings().max_examples // 4,
)
@given(plays(), st.booleans())
def test_a_run_is_the_same_with_and_without(folder: Path, text: str, check: bool) -> None:
    text = text.replace("date +%s", "echo looked")
    without = outcome(folder, text, prefetch=False, check=check)
    assert outcome(folder, text, prefetch=True, check=check) == without
