"""Modules by name: beside playbooks and roles, in collections, and opsrun's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsrun.errors import InputError
from opsrun.modules.own.foreign import AnsiblePython
from opsrun.modules.own.program import Program
from opsrun.modules.stat import Stat
from opsrun.playbook.plugins.modules import ModulePlaces, Modules
from opsrun.playbook.templating.library import PluginError

PROGRAM = "#!/bin/sh\n"


def put(path: Path, text: str = PROGRAM) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def modules(tmp_path: Path) -> Modules:
    return Modules(
        ModulePlaces(
            homes=lambda: [str(tmp_path / "play"), str(tmp_path / "role")],
            folders=[str(tmp_path / "more")],
            collections=lambda name: [
                str(tmp_path / "ansible_collections" / name.replace(".", "/"))
            ],
        )
    )


def test_the_playbooks_win_over_roles_and_those_over_ours(tmp_path: Path, modules: Modules) -> None:
    put(tmp_path / "more" / "stat")
    assert issubclass(modules.find("stat") or Stat, Program)
    assert modules.find("ansible.builtin.stat") is Stat
    put(tmp_path / "role" / "library" / "own.sh")
    first = put(tmp_path / "play" / "library" / "own.rb")
    found = Modules(modules._places).find("own")
    assert found is not None
    assert issubclass(found, Program)
    assert found.path == str(first)
    assert found.name == "own"


def test_ours_where_there_is_none(modules: Modules) -> None:
    assert modules.find("stat") is Stat
    assert modules.find("nosuch") is None
    assert modules.find("no.such.module") is None


def test_what_is_no_module_is_none(tmp_path: Path, modules: Modules) -> None:
    for name in ("a.md", "b.pyc", "_c.py", ".d", "e~", "f.yml", "__init__.py"):
        put(tmp_path / "play" / "library" / name)
    (tmp_path / "play" / "library" / "g").mkdir()
    assert list(modules.names()) == []


def test_of_a_collection(tmp_path: Path, modules: Modules) -> None:
    collection = tmp_path / "ansible_collections" / "a" / "b"
    put(collection / "plugins" / "modules" / "own.sh")
    put(collection / "plugins" / "modules" / "deep" / "other.py", "import ansible.module_utils\n")
    own = modules.find("a.b.own")
    assert own is not None
    assert own.name == "a.b.own"
    assert modules.find("own") is None
    assert modules.find("own", ["c.d", "a.b"]) is not None
    other = modules.find("a.b.deep.other")
    assert other is not None
    assert issubclass(other, AnsiblePython)


def test_names_that_a_collection_sends_elsewhere(tmp_path: Path, modules: Modules) -> None:
    collection = tmp_path / "ansible_collections" / "a" / "b"
    put(collection / "plugins" / "modules" / "own.sh")
    put(
        collection / "meta" / "runtime.yml",
        "plugin_routing:\n  modules:\n    old: {redirect: a.b.own}\n"
        "    ours: {redirect: ansible.builtin.stat}\n    round: {redirect: a.b.round2}\n"
        "    round2: {redirect: a.b.round}\n"
        "    gone: {tombstone: {warning_text: Use own.}}\n",
    )
    assert modules.find("a.b.old") is modules.find("a.b.own") is not None
    assert modules.find("a.b.ours") is Stat
    assert modules.find("a.b.round") is None
    with pytest.raises(PluginError, match=r"removed.*Use own"):
        modules.find("a.b.gone")


def test_a_file_that_can_not_be_used(tmp_path: Path, modules: Modules) -> None:
    path = put(tmp_path / "play" / "library" / "own.py", "import opsrun\nnosuch()\n")
    with pytest.raises(InputError, match=rf"{path}:2: NameError"):
        modules.find("own")
    path.write_text("import opsrun\nx = (\n")
    with pytest.raises(InputError, match=r"own.py:2:\d+: "):
        modules.find("own")
    path.write_text("import opsrun\n")
    with pytest.raises(InputError, match="expected a class declared with @module"):
        modules.find("own")


def test_a_class_in_python(tmp_path: Path, modules: Modules) -> None:
    put(
        tmp_path / "play" / "library" / "own.py",
        "from __future__ import annotations\n"
        "from opsrun.modules.options import module, option\n"
        "from opsrun.modules.stat import Stat\n"
        "from opsrun.modules.base import Module\n"
        '@module("own")\nclass Own(Module):\n    """Does it."""\n    a: int = option(1)\n',
    )
    found = modules.find("own")
    assert found is not None
    assert found.__name__ == "Own"
    assert not list((tmp_path / "play" / "library").glob("__pycache__"))


def test_the_nearest_name(tmp_path: Path, modules: Modules) -> None:
    put(tmp_path / "play" / "library" / "banner.sh")
    assert "did you mean 'banner'" in modules.unknown("baner")
    assert modules.is_known("banner")
    assert modules.is_known("{{ either }}")
    assert modules.is_known("ansible.builtin.debug")
    assert not modules.is_known("baner")
