"""Where roles, collections and their playbooks are looked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from opsrun.errors import PlaybookError

COLLECTION = "ansible_collections/n/c"
TASK = "- {name: t, ping: }\n"


def role_at(*folders: str) -> dict[str, str]:
    return {f"{folder}/r/tasks/main.yml": TASK for folder in folders}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def place(desk: Any, files: Mapping[str, str], name: str = "r") -> str:
    found = desk.play(f"- hosts: all\n  roles: [{name}]\n", files).roles[0].path
    return str(found).replace(str(desk.folder), "$TOP")


ORDER = [
    (("roles", "one", "two", "home/.ansible/roles", "."), "roles/r"),
    (("one", "two", "home/.ansible/roles", "."), "one/r"),
    (("two", "home/.ansible/roles", "."), "two/r"),
    ((".",), "r"),
]


@pytest.mark.parametrize(("there", "expected"), ORDER)
def test_folders_in_their_order(
    desk: Any, home: Path, there: tuple[str, ...], expected: str
) -> None:
    assert place(desk.using(roles_path=["one", "two"]), role_at(*there)) == expected


def test_the_usual_folders_where_none_are_named(desk: Any, home: Path) -> None:
    assert place(desk, role_at("home/.ansible/roles")) == "$TOP/home/.ansible/roles/r"
    desk.using(roles_path=["one"])
    with pytest.raises(PlaybookError, match="no role 'r'; looked for roles/r, one/r, r"):
        place(desk, {})


def test_collections_beside_the_playbook_and_in_the_usual_folders(desk: Any, home: Path) -> None:
    path = f"home/.ansible/collections/{COLLECTION}/roles"
    assert place(desk, role_at(path), "n.c.r") == f"$TOP/{path}/r"
    beside = f"collections/{COLLECTION}/roles"
    assert place(desk, role_at(beside), "n.c.r") == f"{beside}/r"


def test_a_folder_that_is_ansible_collections_itself(desk: Any) -> None:
    desk.using(collections_path=["deep/ansible_collections"])
    assert place(desk, role_at(f"deep/{COLLECTION}/roles"), "n.c.r").endswith("n/c/roles/r")


BOOK = "- hosts: all\n  roles: [r]\n"


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("n.c.book", "book.yml"),
        ("n.c.book", "book.yaml"),
        ("n.c.book.yml", "book.yml"),
        ("n.c.sub.book", "sub/book.yml"),
    ],
)
def test_playbooks_of_collections(
    desk: Any, tasks_of: Callable[..., Any], name: str, file: str
) -> None:
    base = f"collections/{COLLECTION}"
    files = {f"{base}/playbooks/{file}": BOOK, **role_at(f"{base}/roles")}
    play = desk.play(f"- import_playbook: {name}\n", files)
    assert [each.role.name for each in tasks_of(play)] == ["n.c.r"]


def test_a_playbook_that_a_collection_hasnt(desk: Any) -> None:
    words = "no playbook 'n.c.nope'; looked for n.c.nope, collections/ansible_collections/n/c"
    with pytest.raises(PlaybookError, match=words):
        desk.play("- import_playbook: n.c.nope\n")


def test_names_of_roles_are_those_that_are_written(desk: Any) -> None:
    files = role_at("roles/deep", "elsewhere", f"collections/{COLLECTION}/roles/deep")
    files |= {"roles/a.b/tasks/main.yml": TASK}
    names = f"[deep/r, ./elsewhere/r, {desk.folder}/elsewhere/r, n.c.deep.r, a.b]"
    play = desk.play(f"- hosts: all\n  roles: {names}\n", files)
    expected = ["deep/r", "./elsewhere/r", f"{desk.folder}/elsewhere/r", "n.c.r", "a.b"]
    assert [each.name for each in play.roles] == expected


RUNTIME = """\
plugin_routing:
  role: {routed: {redirect: n.c.r}}
import_redirection:
  ansible_collections.n.c.roles.old: {redirect: ansible_collections.n.c.roles.older}
  ansible_collections.n.c.roles.older: {redirect: ansible_collections.n.c.roles.sub.r}
  ansible_collections.n.c.roles.far: {redirect: ansible_collections.o.d.roles.r}
  ansible_collections.n.c.roles.kept: {redirect: ansible_collections.o.d.roles.r}
  ansible_collections.n.c.roles.round: {redirect: ansible_collections.n.c.roles.back}
  ansible_collections.n.c.roles.back: {redirect: ansible_collections.n.c.roles.round}
  ansible_collections.n.c.roles.plain: {redirect: n.c.r}
  ansible_collections.n.c.roles.lost: {redirect: ansible_collections.n.c.roles.nosuch}
  ansible_collections.n.c.roles.odd: [ansible_collections.n.c.roles.r]
"""
OTHER = "collections/ansible_collections/o/d"
MOVED = {
    f"collections/{COLLECTION}/meta/runtime.yml": RUNTIME,
    f"collections/{COLLECTION}/roles/kept/tasks/main.yml": TASK,
    **role_at(f"collections/{COLLECTION}/roles", f"collections/{COLLECTION}/roles/sub"),
    **role_at(f"{OTHER}/roles"),
}


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("n.c.old", f"collections/{COLLECTION}/roles/sub/r"),
        ("n.c.far", f"{OTHER}/roles/r"),
        ("n.c.kept", f"{OTHER}/roles/r"),
        ("n.c.r", f"collections/{COLLECTION}/roles/r"),
    ],
)
def test_roles_that_their_collections_moved(desk: Any, home: Path, name: str, where: str) -> None:
    play = desk.play(f"- hosts: all\n  roles: [{name}]\n", MOVED)
    [role] = play.roles
    assert role.path == where
    # As it was called: what the role sees of itself has not moved.
    assert (role.name, role.collection) == (name, "n.c")
    short = f"- hosts: all\n  collections: [n.c]\n  roles: [{name[4:]}]\n"
    assert desk.play(short, MOVED).roles[0].path == where


@pytest.mark.parametrize("name", ["routed", "round", "plain", "lost", "odd"])
def test_roles_that_are_moved_nowhere(desk: Any, home: Path, name: str) -> None:
    with pytest.raises(PlaybookError, match=rf"no role 'n\.c\.{name}'.*; looked for "):
        desk.play(f"- hosts: all\n  roles: [n.c.{name}]\n", MOVED)
