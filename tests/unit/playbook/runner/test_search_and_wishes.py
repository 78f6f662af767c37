"""Where files are looked for, and which connection a task wants."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from opsrun.dialect.origin import Origin
from opsrun.playbook.interfaces import BecomeWish
from opsrun.playbook.model.keywords import Keywords
from opsrun.playbook.model.nodes import RawAction, Role, Task
from opsrun.playbook.runner.search import Search
from opsrun.playbook.runner.wishes import connecting, wish
from opsrun.playbook.templating.library import Library
from opsrun.playbook.templating.templar import Templar


def task(path: str, role: Role | None = None) -> Task:
    return Task("t", RawAction("copy", "copy"), role=role, origin=Origin(path, 1, 1))


def test_a_plays_task_looks_beside_the_playbook(tmp_path: Path) -> None:
    search = Search(task("site/site.yml"), "site/site.yml", str(tmp_path))
    top = str(tmp_path / "site")
    assert search.bases == [top]
    assert search.searched("a", "files") == [f"{top}/files/a", f"{top}/a"]
    assert search.searched("files/a", "files") == [f"{top}/files/a"]
    assert search.searched("/abs", "files") == ["/abs"]
    assert search.searched("d/", "files") == [f"{top}/files/d/", f"{top}/d/"]


def test_a_roles_task_looks_in_its_role_and_those_that_led_there(tmp_path: Path) -> None:
    outer = Role("outer", str(tmp_path / "roles/outer"))
    role = Role("r", str(tmp_path / "roles/r"), parents=(outer,))
    search = Search(task("roles/r/tasks/main.yml", role), "site.yml", str(tmp_path))
    names = [str(Path(base).relative_to(tmp_path)) for base in search.bases]
    assert names == ["roles/r", "roles/outer", "roles/r/tasks", "."]


def test_the_first_that_exists(tmp_path: Path) -> None:
    search = Search(task("site.yml"), "site.yml", str(tmp_path))
    assert search.find("a", "files") is None
    (tmp_path / "a").touch()
    assert search.find("a", "files") == str(tmp_path / "a")
    (tmp_path / "files").mkdir()
    (tmp_path / "files/a").touch()
    assert search.find("a", "files") == str(tmp_path / "files/a")


def wished(keywords: dict[str, Any], variables: dict[str, Any], **more: Any) -> Any:
    templar = Templar(variables, Library.standard())
    rendered = connecting(Keywords(**keywords), templar, lambda value: value)
    return wish("h", variables, templar, rendered, **more)


def test_keywords_are_wishes_and_variables_are_known() -> None:
    found = wished(
        {"become": True, "become_user": "bob", "port": 22, "connection": "ssh"},
        {"ansible_port": 23, "other": 1},
    )
    assert found.variables == {"ansible_port": 23, "ansible_become": True}
    assert found.become == BecomeWish(user="bob")
    assert (found.port, found.connection) == (22, "ssh")


def test_become_of_the_inventory_wins() -> None:
    found = wished({"become": True}, {"ansible_become": False})
    assert found.variables["ansible_become"] is False


@pytest.mark.parametrize("become", [None, False])
def test_without_become_there_is_no_identity(become: bool | None) -> None:
    assert wished({"become": become, "become_user": "bob"}, {}).variables.get("ansible_become") in (
        None,
        False,
    )


def test_what_a_play_says_of_its_hosts_is_not_said_of_a_delegate() -> None:
    keywords = {"connection": "local", "remote_user": "me", "port": 1}
    found = wished(keywords, {}, delegated=True)
    assert (found.connection, found.remote_user, found.port) == (None, None, None)
