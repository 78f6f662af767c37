"""Which of several definitions of a variable wins: Ansible's table, from the weakest on.

https://docs.ansible.com/ansible/latest/playbook_guide/playbooks_variables.html ("Understanding
variable precedence"); its first row, the options of the command line, is no variable.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.playruns import HERE, run


class Site:
    """A playbook's tree that is put together out of what sets ``v``, and where."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self.play: list[str] = []
        self.before: list[str] = []
        self.block = ""
        self.task = ""
        self.role = ""
        self.include = ""
        self.ini: dict[str, str] = {}
        self.extra: dict[str, str] = {}

    def tree(self) -> dict[str, str]:
        ini = self.ini
        hosts = f"h1 {ini.get('host', '')}\n[g]\nh1\n"
        hosts += "".join(
            f"[{group}:vars]\n{ini[group]}\n" for group in ("all", "g") if group in ini
        )
        see = "- {name: see, debug: {msg: '{{ v }}'}" + (self.task and f", {self.task}") + "}\n"
        include = "- include_tasks: see.yml\n" + (self.include and f"  {self.include}\n")
        inner = "".join(f"  {line}\n" for line in include.splitlines())
        block = "- block:\n" + inner + (self.block and f"  {self.block}\n")
        files = {
            "inv/hosts": hosts,
            "site/roles/r/tasks/main.yml": block,
            "site/roles/r/tasks/see.yml": see,
            "site/roles/r/meta/main.yml": "dependencies: []\n",
            "site/site.yml": "- hosts: h1\n  gather_facts: false\n"
            + "".join(f"  {line}\n" for line in self.play)
            + "  pre_tasks:\n  - {name: first, debug: }\n"
            + "".join(f"  - {line}\n" for line in self.before)
            + "  roles:\n  - {role: r"
            + (self.role and f", {self.role}")
            + "}\n",
        }
        return {**files, **self.files}


def in_file(name: str) -> Callable[[Site, str], None]:
    def put(site: Site, level: str) -> None:
        site.files[name] = f"v: {level}\n"

    return put


def in_ini(where: str) -> Callable[[Site, str], None]:
    def put(site: Site, level: str) -> None:
        site.ini[where] = f"v={level}"

    return put


def in_play(lines: str) -> Callable[[Site, str], None]:
    def put(site: Site, level: str) -> None:
        site.play += lines.format(level).splitlines()
        if "vars_files" in lines:
            site.files["site/more.yml"] = f"v: {level}\n"

    return put


def before(line: str) -> Callable[[Site, str], None]:
    def put(site: Site, level: str) -> None:
        site.before.append(line.replace("LEVEL", level))
        if "include_vars" in line:
            site.files["site/extra.yml"] = f"v: {level}\n"

    return put


def at(where: str, text: str) -> Callable[[Site, str], None]:
    def put(site: Site, level: str) -> None:
        setattr(site, where, text.replace("LEVEL", level))

    return put


def extra(site: Site, level: str) -> None:
    site.extra["v"] = level


LEVELS: dict[str, Callable[[Site, str], None]] = {
    "role_defaults": in_file("site/roles/r/defaults/main.yml"),
    "inventory_file_group_all": in_ini("all"),
    "inventory_file_group": in_ini("g"),
    "inventory_group_vars_all": in_file("inv/group_vars/all.yml"),
    "playbook_group_vars_all": in_file("site/group_vars/all.yml"),
    "inventory_group_vars": in_file("inv/group_vars/g.yml"),
    "playbook_group_vars": in_file("site/group_vars/g.yml"),
    "inventory_file_host": in_ini("host"),
    "inventory_host_vars": in_file("inv/host_vars/h1.yml"),
    "playbook_host_vars": in_file("site/host_vars/h1.yml"),
    "play_vars": in_play("vars: {{v: {}}}"),
    "vars_prompt": in_play("vars_prompt: [{{name: v, default: {}}}]"),
    "vars_files": in_play("vars_files: [more.yml]"),
    "role_vars": in_file("site/roles/r/vars/main.yml"),
    "block_vars": at("block", "vars: {v: LEVEL}"),
    "task_vars": at("task", "vars: {v: LEVEL}"),
    "include_vars": before("{include_vars: extra.yml}"),
    "set_fact": before("{set_fact: {v: LEVEL}}"),
    "role_params": at("role", "v: LEVEL"),
    "include_params": at("include", "vars: {v: LEVEL}"),
    "extra_vars": extra,
}
"""From the weakest to the strongest. Facts are those of hosts, and not to be chosen here."""

ORDER = list(LEVELS)


def seen(levels: frozenset[str]) -> str:
    site = Site()
    for level in ORDER:
        if level in levels:
            LEVELS[level](site, level)
    with tempfile.TemporaryDirectory() as folder:
        ran = run(
            Path(folder),
            site.tree(),
            "inv/hosts",
            extra={**HERE, **site.extra},
            main=("site/site.yml",),
        )
    return str(ran.msg("see"))


def strongest(levels: frozenset[str]) -> str:
    return max(levels, key=ORDER.index)


@given(st.frozensets(st.sampled_from(ORDER), min_size=1))
@settings(max_examples=60)
def test_the_strongest_of_any_definitions_wins(levels: frozenset[str]) -> None:
    assert seen(levels) == strongest(levels)


@pytest.mark.parametrize(("weak", "strong"), list(pairwise(ORDER)))
def test_each_level_gives_way_to_the_next(weak: str, strong: str) -> None:
    assert seen(frozenset({weak, strong})) == strong
