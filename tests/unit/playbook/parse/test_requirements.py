"""requirements.yml: read to say where something that is missing would come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from opsrun.errors import PlaybookError
from opsrun.playbook.parse.files import Files
from opsrun.playbook.parse.requirements import Requirements, requirements

NEW = """
roles:
  - name: web
    src: https://example.org/git/role-web.git
    scm: git
    version: "1.2"
  - geerlingguy.nginx
  - src: git+https://example.org/x/some-role.git
  - {src: "acme.app,v3,app"}
collections:
  - community.general
  - {name: acme.tools, version: ">=2.0", source: "https://galaxy.example.org"}
  - {name: "https://example.org/git/acme.more.git", type: git, version: main}
  - community.crypto:1.0.0
"""
OLD = """
- src: geerlingguy.java
- {src: https://example.org/roles/thing.tar.gz, name: thing}
- acme.plain
- include: more.yml
"""


def read(tmp_path: Path, text: str, **more: str) -> list[tuple[str, str, str, str]]:
    for name, each in {"requirements": text, **more}.items():
        (tmp_path / f"{name}.yml").write_text(each)
    found = requirements(Files(str(tmp_path)), "requirements.yml")
    return [(each.kind, each.name, each.source, each.version) for each in found]


def test_roles_and_collections(tmp_path: Path) -> None:
    assert read(tmp_path, NEW) == [
        ("role", "web", "https://example.org/git/role-web.git", "1.2"),
        ("role", "geerlingguy.nginx", "geerlingguy.nginx", ""),
        ("role", "some-role", "git+https://example.org/x/some-role.git", ""),
        ("role", "app", "acme.app", "v3"),
        ("collection", "community.general", "", ""),
        ("collection", "acme.tools", "https://galaxy.example.org", ">=2.0"),
        ("collection", "acme.more", "https://example.org/git/acme.more.git", "main"),
        ("collection", "community.crypto", "", "1.0.0"),
    ]


def test_the_old_form_is_a_list_of_roles(tmp_path: Path) -> None:
    assert read(tmp_path, OLD, more="- {role: last}\n") == [
        ("role", "geerlingguy.java", "geerlingguy.java", ""),
        ("role", "thing", "https://example.org/roles/thing.tar.gz", ""),
        ("role", "acme.plain", "acme.plain", ""),
        ("role", "last", "last", ""),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("roles: {a: b}", "expected a list of roles, found dict"),
        ("5", "expected a list of roles, found int"),
        ("collections: [5]", "an entry of collections names none: '5'"),
        ("- {version: 1}", "an entry of roles names none"),
        ("- include: requirements.yml", "include each other too deeply"),
        ("roles: [", "requirements.yml:2:1: broken YAML"),
    ],
)
def test_what_can_be_no_requirements(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(PlaybookError) as caught:
        read(tmp_path, text)
    assert words in str(caught.value)


def test_nothing_in_it_is_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "---\n") == []


MISSING = [
    (
        "roles/requirements.yml",
        "- {src: acme.web, version: '2'}",
        "acme.web",
        "(acme.web, version 2)",
    ),
    ("requirements.yaml", "roles: [acme.web]", "acme.web", "install -r requirements.yaml -p roles"),
    ("roles/requirements.yml", "[acme.web]", "acme.web", "-r roles/requirements.yml -p roles`"),
    ("collections/requirements.yml", "collections: [n.c]", "n.c.r", "lists it; `ansible-galaxy"),
    ("collections/requirements.yml", "collections: [n.c]", "n.c.r", "-p collections` would"),
    ("requirements.yml", "roles: [", "acme.web", "requirements.yml could say where it comes"),
]


@pytest.mark.parametrize(("name", "text", "role", "words"), MISSING)
def test_a_role_that_is_missing_is_looked_up(
    desk: Any, name: str, text: str, role: str, words: str
) -> None:
    with pytest.raises(PlaybookError) as caught:
        desk.play(f"- hosts: all\n  roles: [{role}]\n", {name: text})
    assert f"no role {role!r}" in str(caught.value)
    assert words in str(caught.value)
    assert (caught.value.path, caught.value.line) == ("p.yml", 2)


def test_what_no_file_lists_is_not_spoken_of(desk: Any) -> None:
    with pytest.raises(PlaybookError) as caught:
        desk.play("- hosts: all\n  roles: [nope]\n", {"requirements.yml": "roles: [other]"})
    assert "requirements" not in str(caught.value)


def test_a_bad_file_is_no_matter_where_nothing_is_missing(desk: Any) -> None:
    files = {"requirements.yml": "roles: [", "roles/r/tasks/main.yml": "- {name: t, ping: }\n"}
    assert desk.play("- hosts: all\n  roles: [r]\n", files).roles[0].name == "r"


def test_no_file_says_nothing(tmp_path: Path) -> None:
    assert Requirements(Files(str(tmp_path)), ["", "x"]).of_role("a") == ""
