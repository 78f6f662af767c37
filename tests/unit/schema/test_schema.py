"""Schemas take what the parser takes, and refuse what it refuses."""

from __future__ import annotations

import json
from functools import cache, reduce
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from opsrun.dialect.tags import Vaulted
from opsrun.errors import OpsrunError, PlaybookError
from opsrun.modules.resolving import problems
from opsrun.playbook.parse.loader import Loader
from opsrun.playbook.parse.meanings import MEANINGS
from opsrun.playbook.parse.names import (
    BLOCK,
    HANDLER,
    IMPORT_PLAYBOOK,
    PLAY,
    ROLE_ENTRY,
    SHARED,
    TASK,
    bare,
)
from opsrun.playbook.templating.library import Library
from opsrun.playbook.templating.templar import Templar
from opsrun.schema import KINDS, schema
from opsrun.schema.modules import known_spellings, module_classes

ROOT = Path(__file__).parents[3]
PLAYBOOKS = sorted(
    [*(ROOT / "playbooks").glob("*.yml"), *(ROOT / "tests/conformance/playbooks").rglob("*.yml")]
)
FOLDERS = {"tasks": "tasks", "handlers": "handlers", "meta": "meta", "vars": "vars"}


@cache
def validator(kind: str) -> Draft7Validator:
    made = schema(kind)
    Draft7Validator.check_schema(made)
    return Draft7Validator(made)


def faults(kind: str, data: Any) -> list[str]:
    found = validator(kind).iter_errors(data)
    return [f"{list(each.absolute_path)}: {each.message[:200]}" for each in found]


def plain(value: Any) -> Any:
    """What an editor sees: names are texts, and tags are gone."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, Vaulted):
        return value.text
    return value if isinstance(value, (bool, int, float, type(None))) else str(value)


def loader(folder: Path) -> Loader:
    def render(template: Any, known: Any) -> Any:
        return Templar(known, Library.standard()).render(template)

    return Loader(str(folder), render=render)


def read(path: Path) -> tuple[str, Any] | None:
    """Which kind of file it is, and its data; None for one that doesn't parse."""
    found = loader(path.parent)
    kind = FOLDERS.get(path.parent.name)
    try:
        data = found.document(str(path)).data
        if kind is None and isinstance(data, list) and any("hosts" in each for each in data):
            found.load_playbook(str(path))
            kind = "playbook"
    except (OpsrunError, TypeError):
        return None
    return None if kind is None else (kind, plain(data))


@pytest.mark.parametrize("kind", KINDS)
def test_is_json_and_a_schema(kind: str) -> None:
    assert json.loads(json.dumps(schema(kind))) == schema(kind)
    validator(kind)


def refused_later(data: Any, path: list[str | int]) -> bool:
    """Whether a fault is in arguments that the module refuses, too, as some cases want it to."""
    for number, key in enumerate(path):
        kind = module_classes().get(bare(str(key)))
        if kind is not None:
            args = reduce(lambda inner, each: inner[each], path[: number + 1], data)
            return isinstance(args, dict) and bool(problems(kind, args))
    return False


def test_what_parses_is_valid() -> None:
    kinds: dict[str, int] = {}
    for path in PLAYBOOKS:
        found = read(path)
        if found is None or "refused" in path.parent.name:
            continue
        kinds[found[0]] = kinds.get(found[0], 0) + 1
        wrong = [
            f"{list(fault.absolute_path)}: {fault.message[:200]}"
            for fault in validator(found[0]).iter_errors(found[1])
            if not refused_later(found[1], list(fault.absolute_path))
        ]
        assert wrong == [], path
    assert kinds["playbook"] > 40
    assert kinds["tasks"] > 5


def task(**keys: Any) -> list[dict[str, Any]]:
    return [{"hosts": "all", "tasks": [keys]}]


RIGHT = [
    task(debug={"msg": "x"}, when=["a is defined", True]),
    task(debug="msg=x var=y"),
    task(**{"ansible.builtin.copy": "src=a dest=b"}, become="yes"),
    task(copy={"dest": "{{ x }}", "content": {"a": 1}}, no_log="{{ quiet }}"),
    task(copy={}, args={"dest": "/x"}),
    task(copy="{{ all_of_it }}"),
    task(**{"community.general.ufw": {"rule": "allow"}}, loop=[1], register="x"),
    task(stat={"name": "/x", "checksum": "sha256", "follow": "{{ f }}"}),
    task(set_fact={"anything": 1}, with_items="{{ x }}"),
    task(command="echo hi", args={"chdir": "/"}),
    task(shell="a | b"),
    task(include_tasks="x.yml", loop=[1], vars={"a": 1}),
    task(include_role={"name": "x", "apply": {"tags": "y", "become": True}}),
    task(meta="end_play"),
    task(action="copy src=a dest=b"),
    task(local_action={"module": "command", "_raw_params": "x"}),
    task(block=[{"ping": None}], rescue=[{"fail": None}], always=[None], when="x"),
    task(setup={"gather_subset": "!all,network"}, throttle="3"),
    [{"hosts": ["a", "b"], "serial": [1, "10%", "{{ n }}"], "roles": ["x", {"role": "y", "z": 1}]}],
    [{"hosts": "a", "gates": ["db", {"check": "tcp:80", "timeout": 5}], "after": "x"}],
    [{"hosts": "a", "vars_prompt": [{"name": "x", "private": "no"}], "order": "sorted"}],
    [{"import_playbook": "x.yml", "when": "x"}],
]
WRONG = [
    {"hosts": "all"},
    [],
    [None],
    [{"tasks": []}],
    [{"hosts": []}],
    [{"hosts": "a", "task": []}],
    [{"hosts": "a", "become": "perhaps"}],
    [{"hosts": "a", "tasks": {"ping": None}}],
    [{"hosts": "a", "user": "x", "remote_user": "y"}],
    [{"hosts": "a", "order": "random"}],
    [{"hosts": "a", "vars": {"a-b": 1}}],
    [{"hosts": "a", "vars_prompt": [{"prompt": "x"}]}],
    [{"hosts": "a", "serial": "some"}],
    [{"hosts": "a", "roles": [{"when": "x"}]}],
    [{"hosts": "a", "gates": [{"gaet": "x"}]}],
    [{"hosts": "a", "canary": [1], "serial": 2}],
    [{"import_playbook": "x.yml", "hosts": "a"}],
    task(debug={"mgs": "x"}),
    task(debug={"msg": "x", "var": "y"}),
    task(debug={"msg": "x"}, copy={"dest": "x"}),
    task(debug={"msg": "x"}, whne="x"),
    task(copy={"src": "x"}),
    task(copy=["x"]),
    task(copy={"dest": "/x", "force": "perhaps"}),
    task(file={"path": "/x", "state": "directry"}),
    task(file={"path": "/x", "mode": 0o17777}),
    task(stat={"path": "/x", "checksum_algorithm": "crc"}),
    task(ping="hello"),
    task(debug=None, listen="x"),
    task(debug=None, retries="many"),
    task(debug=None, register="a-b"),
    task(debug=None, loop=[1], with_items=[1]),
    task(debug=None, when={"a": 1}),
    task(debug=None, args="text"),
    task(name="nothing to do"),
    task(sudo=True, **{"my.own.module": None}),
    task(rescue=[{"fail": None}]),
    task(block={"ping": None}),
    task(block=[{"ping": None}], register="x"),
    task(include_tasks={"flie": "x.yml"}),
    task(include_tasks="x.yml", become=True),
    task(import_tasks="x.yml", loop=[1]),
    task(include_role={"tasks_from": "x"}),
    task(include_role={"name": "x", "apply": {"register": "y"}}),
    task(meta="end_game"),
    task(include="x.yml"),
    [{"hosts": "a", "handlers": [{"include_role": {"name": "x"}}]}],
]


@pytest.mark.parametrize("data", RIGHT, ids=str)
def test_right(data: Any) -> None:
    assert faults("playbook", data) == []


@pytest.mark.parametrize("data", WRONG, ids=str)
def test_wrong(data: Any) -> None:
    assert faults("playbook", data)


_PROBES: list[Any] = [
    *(None, True, 0, 7, -1, 2.5, "", "yes", "perhaps", "3", "2.5", "10%", "{{ x }}", "x"),
    *([], ["x"], [1], ["{{ x }}"], [["x"]], [{}], [{"x": 1}], {}, {"x": 1}, {"a-b": 1}),
    *(["10%"], "sorted", ["tcp:80"], "tcp:80", {"name": "x"}, [{"name": "x"}]),
]
_PARTS = frozenset({"block", "rescue", "always", "tasks", "pre_tasks", "post_tasks", "handlers"})


def agrees(data: list[Any], tmp_path: Path) -> bool:
    """Whether parser and schema think alike of a playbook."""
    path = tmp_path / "probe.json"
    path.write_text(json.dumps(data))
    try:
        loader(tmp_path).load_playbook(str(path))
        parses = True
    except PlaybookError as error:
        parses = False
        if "no role" in str(error):
            return True
    return parses == (faults("playbook", data) == [])


@pytest.mark.parametrize("level", ["play", "task", "block", "handler"])
def test_keywords_take_what_the_parser_takes(level: str, tmp_path: Path) -> None:
    """Kinds are the parser's; where this room says more, the parser agrees. What several levels
    have is one to both, so that it is tried at the first of them."""
    own_names = {
        "play": PLAY,
        "task": TASK - PLAY,
        "block": BLOCK - TASK - PLAY,
        "handler": HANDLER - TASK,
    }
    names = own_names[level]
    skipped = _PARTS | {"action", "local_action", "roles", "hosts", "vars_prompt"}
    skipped |= {"gates", "awaits", "health", "canary", "opens", "after"}
    # Of these the parser says more than a schema can: what else has to be there.
    skipped |= {"rescue_unreachable", "retries_unreachable", "loop_control"} & BLOCK
    apart = []
    for name in sorted(names - skipped):
        for probe in _PROBES:
            own = {name: probe}
            if level == "play":
                data = [{"hosts": "a", **own}]
            elif level == "block":
                data = task(block=[{"ping": None}], **own)
            elif level == "handler":
                data = [{"hosts": "a", "handlers": [{"name": "x", "ping": None, **own}]}]
            else:
                data = task(ping=None, **own)
            if not agrees(data, tmp_path):
                apart.append((name, probe))
    assert apart == [], apart


def test_every_keyword_has_its_meaning() -> None:
    known = PLAY | TASK | HANDLER | BLOCK | ROLE_ENTRY | IMPORT_PLAYBOOK
    assert sorted(known - set(MEANINGS)) == []


def test_every_keyword_and_module_is_there_by_itself() -> None:
    made = schema("playbook")["definitions"]
    assert set(made["play"]["properties"]) == PLAY
    assert set(made["task"]["properties"]) >= TASK | set(known_spellings())
    assert set(made["task-block"]["properties"]) == BLOCK
    assert set(made["role-entry"]["anyOf"][1]["properties"]) == ROLE_ENTRY
    assert set(SHARED) <= set(made["imported-playbook"]["properties"])
    for name in module_classes():
        assert f"options-{name}" in made


@pytest.mark.parametrize(
    ("kind", "data", "right"),
    [
        ("tasks", [{"ping": None}, None], True),
        ("tasks", [{"hosts": "a"}, {"pnig": None, "ping": None}], False),
        ("handlers", [{"ping": None, "listen": "x"}], True),
        ("handlers", {"ping": None}, False),
        ("vars", {"a": {"b": 1}}, True),
        ("vars", None, True),
        ("vars", [1], False),
        ("meta", {"dependencies": ["x", {"role": "y", "z": 1}], "allow_duplicates": True}, True),
        ("meta", {"dependencies": "x"}, False),
        ("argument-specs", {"argument_specs": {"main": {"options": {"a": {"type": "int"}}}}}, True),
        ("argument-specs", {"argument_specs": {"main": {"options": {"a": {"type": "x"}}}}}, False),
        ("requirements", {"roles": [{"src": "x"}], "collections": ["a.b", {"name": "c.d"}]}, True),
        ("requirements", [{"src": "x", "version": 1.0}, "y"], True),
        ("requirements", {"collection": ["a.b"]}, False),
        ("requirements", {"collections": [{"version": "1"}]}, False),
        ("inventory", {"all": {"hosts": {"a": None}, "children": {"b": None}}}, True),
        ("inventory", {"all": {"hosts": None, "protected": "yes", "max_hosts": 5}}, True),
        ("inventory", {"all": {"protected": "perhaps"}}, False),
        ("inventory", {"all": {"max_hosts": -1}}, False),
        ("inventory", {"all": {"hosts": ["a"]}}, False),
        ("inventory", {"all": {"host": {}}}, False),
    ],
)
def test_other_kinds(kind: str, data: Any, right: bool) -> None:
    assert (faults(kind, data) == []) is right
