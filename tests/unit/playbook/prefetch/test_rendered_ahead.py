"""What is refused while templates are rendered before their task's turn, and which modules ask."""

from __future__ import annotations

from typing import Any

import pytest

from opsrun.dialect.origin import Origin
from opsrun.dialect.tags import trusted
from opsrun.errors import OpsrunError
from opsrun.modules.base import Context
from opsrun.modules.options import resolve
from opsrun.modules.registry import find, known_names
from opsrun.modules.requests import Run
from opsrun.playbook.runner.ahead import _first
from opsrun.playbook.templating.ahead import NotAhead, not_ahead, rendering_ahead
from opsrun.playbook.templating.library import Library, LookupContext
from opsrun.playbook.templating.templar import Templar

PLACE = Origin("play.yml", 1, 1, kind="yaml")
OWN = {"own": lambda value: value}
OWN_LOOKUP: Any = lambda terms, run, **options: list(terms)  # noqa: E731
LIBRARY = Library.standard().extended(OWN, {"odd_one": lambda value: True}, {"items": OWN_LOOKUP})
REFUSED = (
    "now()",
    "lookup('env', 'HOME')",
    "query('pipe', 'true')",
    "lookup('items', 'a')",
    "lookup('vars', 'hidden')",
    "hidden",
    "[1, 2] | random",
    "[1, 2] | shuffle",
    "'52:54' | random_mac",
    "'x' | password_hash",
    "1 | own",
    "1 is odd_one",
)


def rendered(expression: str) -> Any:
    variables = {"hidden": trusted("{{ lookup('env', 'HOME') }}", PLACE), "seen": 1}
    templar = Templar(variables, LIBRARY, LookupContext())
    return templar.render(trusted(f"{{{{ {expression} }}}}", PLACE), PLACE)


@pytest.mark.parametrize("expression", REFUSED)
def test_what_may_be_noticed_waits_for_the_turn(expression: str) -> None:
    rendered(expression)
    with rendering_ahead(), pytest.raises(OpsrunError, match="not before the task's turn"):
        rendered(expression)
    rendered(expression)


@pytest.mark.parametrize(
    "expression", ["seen", "lookup('list', [1])", "gone | default(seen)", "[2, 1] | sort | first"]
)
def test_what_cannot_be_noticed_is_rendered(expression: str) -> None:
    with rendering_ahead():
        early = rendered(expression)
    assert early == rendered(expression) == 1 or early == [1]


def test_the_block_ends() -> None:
    with rendering_ahead(), pytest.raises(NotAhead, match="turn"):
        not_ahead("it")
    not_ahead("it")


class NoController:
    """Touching anything of the controller's but files that are found fails the test."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was asked for before the first request")


ARGUMENTS: dict[str, dict[str, Any]] = {
    "acl": {"path": "/x"},
    "alternatives": {"name": "editor", "path": "/bin/ed"},
    "assemble": {"src": "/x", "dest": "/y"},
    "authorized_key": {"user": "u", "key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== u"},
    "blockinfile": {"path": "/x", "block": "b"},
    "copy": {"dest": "/x", "content": "c"},
    "cron": {"name": "j", "job": "true"},
    "file": {"path": "/x", "state": "directory"},
    "group": {"name": "g"},
    "htpasswd": {"path": "/x", "name": "u", "password": "sekrit"},
    "ini_file": {"path": "/x", "section": "s", "option": "o", "value": "v"},
    "known_hosts": {"name": "h", "state": "absent"},
    "lineinfile": {"path": "/x", "line": "l"},
    "modprobe": {"name": "loop"},
    "mount": {"path": "/m", "src": "/dev/x", "fstype": "ext4", "state": "present"},
    "pam_limits": {"domain": "d", "limit_type": "soft", "limit_item": "core", "value": "1"},
    "ping": {},
    "replace": {"path": "/x", "regexp": "a"},
    "service": {"name": "s", "state": "started"},
    "slurp": {"src": "/x"},
    "stat": {"path": "/x"},
    "sysctl": {"name": "net.ipv4.ip_forward", "value": "1"},
    "systemd": {"name": "s", "state": "started"},
    "systemd_service": {"name": "s", "state": "started"},
    "user": {"name": "u", "password": "$6$sekrit"},
    "xml": {"path": "/x", "xpath": "/a"},
}
KINDS = {each.__name__: (name, each) for name in known_names() if (each := find(name)) is not None}
AHEAD = sorted(name for name, kind in KINDS.values() if kind.ahead and "template" not in name)


def context(check: bool = False) -> Context:
    return Context(NoController(), check, True, "h1")  # type: ignore[arg-type]


@pytest.mark.parametrize("check", [False, True], ids=["apply", "check"])
@pytest.mark.parametrize("name", AHEAD)
def test_a_first_question_reads_and_carries_no_secret(name: str, check: bool) -> None:
    kind = find(name)
    assert kind is not None
    given = ARGUMENTS[name.rpartition(".")[2]]
    request = _first(resolve(kind, given, None, PLACE, {}), context(check))
    if name.endswith("modprobe") and request is None:
        return
    assert isinstance(request, Run)
    assert request.effect == "reads"
    assert "sekrit" not in request.script


def test_a_module_without_the_mark_is_not_even_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    def begun(self: Any, context: Context) -> Any:
        raise AssertionError(f"{type(self).__name__} was begun")

    for _, kind in KINDS.values():
        if not kind.ahead:
            made = object.__new__(kind)
            monkeypatch.setattr(kind, "steps", begun)
            assert _first(made, context()) is None


def test_keys_that_are_fetched_are_not_asked_for_early() -> None:
    kind = find("authorized_key")
    assert kind is not None
    made = resolve(kind, {"user": "u", "key": "http://h/k"}, None, PLACE, {})
    assert _first(made, context()) is None
