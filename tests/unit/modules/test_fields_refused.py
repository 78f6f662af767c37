"""Values that would be more, or less, than the one field of a file that they are meant for."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.module_host import LocalController

from opsrun.modules.base import Context, ModuleError, StateModule
from opsrun.modules.looking import Seen
from opsrun.modules.options import OptionError, resolve
from opsrun.modules.packages.deb822_repository import Found
from opsrun.modules.registry import find

SOURCE = {"name": "x", "uris": ["http://x"], "suites": ["s"], "components": ["main"]}
REPO = {"repo": "deb http://x s main"}


def seen(name: str, args: dict[str, Any], state: Any) -> Any:
    """The plan for what was found."""
    kind = find(name)
    assert kind is not None
    module = resolve(kind, args)
    assert isinstance(module, StateModule)
    context = Context(LocalController(Path(".")))
    module.inspect(context)
    return module.plan(state, context)


@pytest.mark.parametrize("value", ["http://x\nEvil: y", "http://x\rEvil: y", "x\n\nTypes: z"])
@pytest.mark.parametrize("name", ["uris", "suites", "components"])
def test_a_source_is_given_no_further_field(name: str, value: str) -> None:
    with pytest.raises(ModuleError, match="line break"):
        seen("deb822_repository", {**SOURCE, name: [value]}, NOTHING)


NOTHING = Found(None, Seen(path="/etc/apt/sources.list.d/x.sources"), "", False, ())


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"uris": [""]}, "uris: an empty one"),
        ({"uris": []}, "uris: an empty one"),
        ({"types": []}, "types: an empty one"),
        ({"suites": " "}, "suites: an empty one"),
        ({"uris": None}, "uris: apt can't read"),
        ({"suites": None}, "suites: apt can't read"),
        ({"uris": "nonsense"}, "'nonsense' does not say how"),
        ({"components": ""}, "components: a suite needs them"),
        ({"suites": "s ./", "components": None}, "components: a suite needs them"),
        ({"suites": "./"}, "components: a suite that ends"),
    ],
)
def test_a_source_is_one_that_apt_can_read(args: dict[str, Any], words: str) -> None:
    with pytest.raises((ModuleError, OptionError), match=words):
        seen("deb822_repository", {**SOURCE, **args}, NOTHING)
    for harmless in ({"enabled": False}, {"state": "absent"}):
        seen("deb822_repository", {**SOURCE, **args, **harmless}, NOTHING)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("A.b_C", "ab-c"),
        ("-rd", "-rd"),
        ("re/../x", "rex"),
        ("a--b", "a--b"),
        ("  a \t_b ", "-a-b-"),
        ("_-_", "---"),
        ("Über\u00a01", "ber-1"),
        ("x.sources", "xsources"),
    ],
)
def test_a_source_is_called_as_ansible_calls_it(name: str, file: str) -> None:
    plan = seen("deb822_repository", {**SOURCE, "name": name}, NOTHING)
    assert plan.result.data["dest"] == f"/etc/apt/sources.list.d/{file}.sources"


@pytest.mark.parametrize("name", ["", "...", "\u4e2d"])
def test_a_source_has_a_name_for_its_file(name: str) -> None:
    with pytest.raises(ModuleError, match="nothing to call a file by"):
        seen("deb822_repository", {**SOURCE, "name": name}, NOTHING)


def test_an_empty_field_has_no_blank_behind_it() -> None:
    plan = seen("deb822_repository", {**SOURCE, "architectures": ""}, NOTHING)
    assert plan.result.data["repo"].startswith("Architectures:\nComponents: main\n")


@pytest.mark.parametrize("name", ["../q", "a/b", "a/"])
def test_a_list_of_sources_is_where_apt_reads(name: str) -> None:
    with pytest.raises(ModuleError, match="without a slash"):
        seen("apt_repository", {**REPO, "filename": name}, {})


def test_a_whole_path_is_a_list_of_sources() -> None:
    plan = seen("apt_repository", {**REPO, "filename": "/etc/apt/sources.list.d/q"}, {})
    assert plan.result.data["sources_added"] == ["/etc/apt/sources.list.d/q.list"]


@pytest.mark.parametrize(
    "args", [{"path": ""}, {"path": " "}, {"src": ""}, {"src": "#x"}, {"path": "#/x"}]
)
def test_a_line_of_mounts_has_all_its_fields(args: dict[str, str]) -> None:
    whole = {"path": "/m", "src": "/d", "fstype": "ext4", "state": "present", **args}
    with pytest.raises(ModuleError, match="no field"):
        seen("mount", whole, None)


@pytest.mark.parametrize("args", [{"dump": "1.5"}, {"dump": "x"}, {"passno": "-1"}])
def test_the_last_fields_of_a_mount_are_numbers(args: dict[str, str]) -> None:
    whole = {"path": "/m", "src": "/d", "fstype": "ext4", "state": "present", **args}
    with pytest.raises(ModuleError, match="no number"):
        seen("mount", whole, None)


def test_a_mount_without_options_has_the_field_for_them() -> None:
    kind = find("mount")
    assert kind is not None
    args = {"path": "/m", "src": "/d", "fstype": "x", "state": "present"}
    for more in ({"opts": ""}, {"dump": "", "passno": ""}):
        made: Any = resolve(kind, {**args, **more})
        assert made._entry(SimpleNamespace(path="/m")).line == "/d /m x defaults 0 0\n"
