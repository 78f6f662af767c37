"""Whatever stands in a file: nodes, or one PlaybookError; never anything else."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from opsrun.errors import PlaybookError
from opsrun.playbook.model.nodes import Playbook
from opsrun.playbook.parse.listing import listed
from opsrun.playbook.parse.loader import Loader
from opsrun.playbook.parse.names import HANDLER, LOOP_CONTROL, PLAY
from opsrun.playbook.parse.selection import Selection

WORDS = st.sampled_from(
    [
        "", "x", "a b", "k=v", "{{ x }}", "{{", "'", "all", "yes", "5", "-1", "50%", "a,b", "../x",
        "one.yml", "r", "copy src=a", "\0", "é\n", "!unsafe", "a.b.c", "include_role",
    ]
)  # fmt: skip
SCALARS = WORDS | st.none() | st.booleans() | st.integers(-3, 10**20) | st.floats()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
MODULES = st.sampled_from(
    [
        "copy", "command", "debug", "meta", "import_tasks", "include_tasks", "import_role",
        "include_role", "with_items", "with_", "include", "block", "rescue", "always", "action",
        "ansible.builtin.shell", "import_playbook", "roles", "role", "name", "file", "apply",
    ]
)  # fmt: skip
KEYS = MODULES | st.sampled_from(sorted(HANDLER | PLAY | LOOP_CONTROL))
TASKS = st.recursive(
    st.dictionaries(KEYS, VALUES, max_size=4) | SCALARS,
    lambda inner: st.dictionaries(KEYS, VALUES | st.lists(inner, max_size=3), max_size=3),
    max_leaves=5,
)
SECTIONS = st.sampled_from(["tasks", "handlers", "roles", "pre_tasks", "vars", "hosts"])
PLAYS = st.dictionaries(SECTIONS | KEYS, st.lists(TASKS, max_size=3) | VALUES, max_size=4)
BOOKS = st.lists(PLAYS.map(lambda play: {"hosts": "all", **play}) | PLAYS | TASKS, max_size=3)
OTHERS = {
    "one.yml": "- ping:\n- include_tasks: one.yml\n",
    "roles/r/tasks/main.yml": "- ping:\n",
    "roles/r/meta/main.yml": "dependencies: [{role: r, when: x}]\n",
}


def loaded(text: str) -> Playbook | None:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in {**OTHERS, "p.yml": text}.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        try:
            return Loader(folder).load_playbook("p.yml")
        except PlaybookError:
            return None


def checked(book: Playbook | None) -> None:
    if book is None:
        return
    ids = [task.id for play in book.plays for block in play.blocks for task in block.every_task()]
    assert len(set(ids)) == len(ids)
    assert listed(book.plays, Selection.of(["a"])) is not None


@settings(max_examples=60, deadline=None)
@given(BOOKS)
def test_any_structure_is_read_or_refused(book: Any) -> None:
    checked(loaded(yaml.safe_dump(book, allow_unicode=True)))


@settings(max_examples=40, deadline=None)
@given(BOOKS)
def test_any_json_is_read_or_refused(book: Any) -> None:
    checked(loaded(json.dumps(book)))


@settings(max_examples=40, deadline=None)
@given(st.text(alphabet="-:#[]{}&*!|>'\"%@ \n\tabhosts{}", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    checked(loaded(text))


def test_depth_is_bounded() -> None:
    nested: Any = [{"ping": None}]
    for _ in range(60):
        nested = [{"block": nested}]
    assert loaded(json.dumps([{"hosts": "all", "tasks": nested}])) is None
    assert loaded("- hosts: all\n  tasks: " + "[{block: " * 45 + "[]" + "}]" * 45) is not None


def test_ten_thousand_lines() -> None:
    one = "    - name: t\n      copy: src='{{ x }}' dest=/a\n      when: x\n      tags: [a]\n"
    book = loaded("- hosts: all\n  tasks:\n" + one * 2_500)
    assert book is not None
    assert sum(1 for block in book.plays[0].blocks for _ in block.every_task()) == 2_504
