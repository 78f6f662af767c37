"""What plays see of the roles that they use, import and include; as ansible-core 2.18 has it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.playruns import run

SHOWN = (
    "{name: see, debug: {msg: "
    "\"{{ d | default('-') }}{{ v | default('-') }}{{ z | default('-') }}\"}}"
)
NAMES = (
    '{name: names, debug: {msg: "{{ ansible_play_role_names | join }} '
    '{{ ansible_role_names | sort | join }} {{ ansible_dependent_role_names | join }}"}}'
)
ROLES = {
    "roles/r/tasks/main.yml": "- {name: t, command: 'true', notify: h}\n",
    "roles/r/defaults/main.yml": "d: D\n",
    "roles/r/vars/main.yml": "v: V\n",
    "roles/r/meta/main.yml": "dependencies: [s]\n",
    "roles/r/handlers/main.yml": "- {name: h, debug: }\n",
    "roles/s/vars/main.yml": "z: Z\n",
    "roles/s/tasks/main.yml": "- {name: s, debug: }\n",
    "import.yml": "- import_role: {name: r}\n",
}

USES = [
    # what the play does, what it sees before and behind it, names of roles before and behind
    ("import_role: {name: r}", "DVZ", "DVZ", "r rs s", "r rs s"),
    ("import_role: {name: r, public: false}", "---", "---", "r rs s", "r rs s"),
    ("include_role: {name: r}", "---", "---", "", "r rs s"),
    ("include_role: {name: r, public: true}", "---", "DVZ", "", "r rs s"),
    ("include_tasks: import.yml", "---", "DVZ", "", "r rs s"),
    ("import_tasks: import.yml", "DVZ", "DVZ", "r rs s", "r rs s"),
]


@pytest.mark.parametrize(("use", "early", "late", "names", "more"), USES)
def test_what_is_seen_of_roles(
    tmp_path: Path, use: str, early: str, late: str, names: str, more: str
) -> None:
    lines = [SHOWN, NAMES, f"{{name: use, {use}}}", SHOWN, NAMES]
    text = "".join(f"  - {line}\n" for line in lines)
    play = f"- hosts: all\n  gather_facts: false\n  tasks:\n{text}"
    ran = run(tmp_path, ROLES | {"site.yml": play})
    assert ran.status == 0
    assert [each.result["msg"] for each in ran.said("see")] == [early, late]
    assert [str(each.result["msg"]).strip() for each in ran.said("names")] == [names, more]
    assert ran.done[-1] == "h:h1"


def test_a_role_of_a_branch_that_is_not_taken_has_its_turn_later(tmp_path: Path) -> None:
    play = """
- hosts: all
  gather_facts: false
  tasks:
  - block: [{import_role: {name: r}}]
    when: inventory_hostname == 'h2'
  - import_role: {name: r}
"""
    ran = run(tmp_path, ROLES | {"site.yml": play}, "h1,h2,")
    found = {host: [each.outcome for each in ran.said("s", host)] for host in ("h1", "h2")}
    assert found == {"h1": ["skipped", "ok"], "h2": ["ok"]}


def test_what_an_entry_sets_wins_for_the_roles_own_tasks(tmp_path: Path) -> None:
    shown = '{name: see, debug: {msg: "{{ x }}"}}\n'
    files = {
        "roles/r/vars/main.yml": "x: of the role\n",
        "roles/r/tasks/main.yml": f"- {shown}",
        "roles/top/meta/main.yml": "dependencies: [{role: r, vars: {x: of the dependency}}]\n",
        "roles/top/tasks/main.yml": f"- {shown}",
        "site.yml": "- hosts: all\n  gather_facts: false\n"
        f"  roles: [{{role: r, vars: {{x: of the entry}}}}, top]\n  tasks:\n  - {shown}",
    }
    ran = run(tmp_path, files)
    found = [each.result["msg"] for each in ran.said("see")]
    assert found == ["of the entry", "of the dependency", "of the role", "of the role"]


def test_a_role_that_a_host_was_not_reached_for_is_done_later(tmp_path: Path) -> None:
    files = {
        "roles/r/tasks/main.yml": "- {name: t, command: 'true', vars: {ansible_port: 1}}\n",
        "site.yml": "- hosts: all\n  gather_facts: false\n  ignore_unreachable: true\n"
        "  vars: {ansible_connection: ssh, ansible_host: 127.0.0.1}\n  roles: [r, r]\n",
    }
    ran = run(tmp_path, files, extra={})
    assert [str(each.outcome) for each in ran.said("t")] == ["unreachable", "unreachable"]
