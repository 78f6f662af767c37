"""Values that would be more, or less, than the one field of a file that they are meant for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.module_host import LocalController

from opsrun.modules.base import Context, ModuleError, StateModule
from opsrun.modules.options import resolve
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
    from opsrun.modules.looking import Seen
    from opsrun.modules.packages.deb822_repository import Found

    nothing = Found(None, Seen(path="/etc/apt/sources.list.d/x.sources"), "", False, ())
    with pytest.raises(ModuleError, match="line break"):
        seen("deb822_repository", {**SOURCE, name: [value]}, nothing)


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
