"""What tasks see of files, environments and the roles that led to them; as ansible-core 2.18."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.playruns import run, tasks

NAMED = "{name: NAME, debug: {msg: \"{{ ansible_parent_role_names | default('none') }}\"}}"
PARENTS = {
    "roles/a/meta/main.yml": "dependencies: [b]\n",
    "roles/a/tasks/main.yml": "- import_role: {name: e}\n- NAMED\n",
    "roles/b/tasks/main.yml": "- NAMED\n- include_role: {name: c}\n",
    "roles/c/meta/main.yml": "dependencies: [d]\n",
    "roles/c/tasks/main.yml": "- NAMED\n",
    "roles/d/tasks/main.yml": "- NAMED\n- include_role: {name: e}\n",
    "roles/e/tasks/main.yml": "- NAMED\n",
}


def test_roles_that_include_are_parents_and_those_that_depend_are_not(tmp_path: Path) -> None:
    files = {
        name: text.replace("NAMED", NAMED.replace("NAME", name.split("/")[1], 1))
        for name, text in PARENTS.items()
    }
    play = "- {hosts: all, gather_facts: false, roles: [a], tasks: [include_role: {name: e}]}\n"
    ran = run(tmp_path, files | {"site.yml": play})
    seen = {name: [each.result["msg"] for each in ran.said(name, "h1")] for name in "abcde"}
    assert seen == {
        "a": ["none"],
        "b": ["none"],
        "c": [["b"]],
        "d": [["b"]],
        "e": [["d", "b"], ["a"], "none"],
    }


def test_files_of_vars_are_looked_for_in_their_folder_first(tmp_path: Path) -> None:
    files = {"v.yml": "v: beside\n", "vars/v.yml": "v: folder\n", "w.yml": "w: beside\n"}
    head = "- hosts: all\n  gather_facts: false\n  vars_files: [v.yml, w.yml]\n"
    play = head + "  tasks: [{name: a, debug: {msg: '{{ v }} {{ w }}'}}]\n"
    assert run(tmp_path, files | {"site.yml": play}).msg("a") == "folder beside"


FACTS = """
- hosts: all
  environment:
  - {PATH: "{{ ansible_env.PATH + ':/more' }}", one: "{{ 1 }}"}
  - {home: "{{ ansible_env.HOME }}", two: b}
  tasks:
  - name: a
    debug:
      msg: "{{ '/more' in ansible_env.PATH }} {{ ansible_env.one }} {{ ansible_env.two }}"
  - {name: b, shell: "echo ${PATH##*:} $one", changed_when: false}
"""


def test_facts_hold_what_of_an_environment_can_be_told_before_them(tmp_path: Path) -> None:
    ran = run(tmp_path, FACTS)
    assert ran.msg("a") == "False 1 b"
    assert ran.result("b")["stdout"] == "/more 1"


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("g.*", ["files/g.1"]),
        ("h.*", ["h.1"]),
        ("sub/g.*", ["files/sub/g.2"]),
        ("no.*", []),
    ],
)
def test_fileglob_looks_in_files_and_beside_the_playbook(
    tmp_path: Path, pattern: str, found: list[str]
) -> None:
    files = dict.fromkeys(("files/g.1", "g.1", "h.1", "files/sub/g.2"), "x\n")
    site = tasks(f"{{name: a, debug: {{msg: \"{{{{ q('fileglob', '{pattern}') }}}}\"}}}}")
    ran = run(tmp_path, files | {"site.yml": site})
    assert ran.msg("a") == [str(tmp_path / each) for each in found]


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("lookup('vars', 'hom')", "No variable found with this name: hom; did you mean 'home'?"),
        ("lookup('vars', 42)", 'Invalid setting identifier, "42" is not a string'),
        ("'x' | hash('md55')", "unsupported hash type 'md55'"),
    ],
)
def test_what_can_not_be_had_is_named(tmp_path: Path, expression: str, words: str) -> None:
    ran = run(tmp_path, tasks(f'{{debug: {{msg: "{{{{ {expression} }}}}"}}, vars: {{home: 1}}}}'))
    assert words in ran.error("h1")


def test_an_empty_encoding_of_a_template_is_utf_8(tmp_path: Path) -> None:
    site = tasks(f"{{name: a, template: {{src: t, dest: {tmp_path}/made, output_encoding: ''}}}}")
    ran = run(tmp_path, {"site.yml": site, "t": "{{ 'é' }}\n"})
    assert ran.one("a").outcome == "changed"
    assert (tmp_path / "made").read_bytes() == "é\n".encode()
