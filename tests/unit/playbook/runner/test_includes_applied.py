"""What includes hand to the tasks that they bring: ``apply``, and tags that are templates."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.playruns import run

INSIDE = "- {name: inside, debug: {msg: \"{{ x | default('-') }}\"}}\n"
APPLIES = [
    ("{tags: ta, vars: {x: 1}}", 1),
    ("{tags: '{{ t }}', vars: {x: '{{ t }}'}}", "ta"),
    ("{tags: ['{{ t }}', other]}", "-"),
    ("'{{ whole }}'", 5),
]


@pytest.mark.parametrize("kind", ["include_tasks: {file: f.yml", "include_role: {name: r"])
@pytest.mark.parametrize(("apply", "seen"), APPLIES)
def test_what_is_applied(tmp_path: Path, kind: str, apply: str, seen: object) -> None:
    play = f"""
- hosts: all
  gather_facts: false
  vars: {{t: ta, whole: {{tags: ta, vars: {{x: 5}}}}}}
  tasks:
  - {{name: use, {kind}, apply: {apply}}}, tags: ta}}
"""
    files = {"site.yml": play, "f.yml": INSIDE, "roles/r/tasks/main.yml": INSIDE}
    ran = run(tmp_path, files, tags=("ta",))
    assert [each.result["msg"] for each in ran.said("inside")] == [seen]


def test_tags_of_plays_see_their_variables(tmp_path: Path) -> None:
    play = """
- hosts: all
  gather_facts: false
  vars: {t: ta}
  tasks:
  - {name: one, debug: , tags: "{{ t }}"}
  - {name: other, debug: , tags: "{{ nobody }}"}
"""
    assert run(tmp_path, play, tags=("ta",)).done == ["one:h1"]


def test_handlers_of_two_uses_of_a_role_are_those_of_the_last(tmp_path: Path) -> None:
    play = """
- hosts: all
  gather_facts: false
  roles:
  - {role: r, when: false}
  - {role: r, x: 1}
  tasks:
  - {name: by name, debug: , changed_when: true, notify: h}
  - {name: by topic, debug: , changed_when: true, notify: topic}
"""
    files = {
        "site.yml": play,
        "roles/r/tasks/main.yml": INSIDE,
        "roles/r/handlers/main.yml": "- {name: h, debug: }\n- {name: i, debug: , listen: topic}\n",
    }
    ran = run(tmp_path, files)
    assert (ran.one("h").outcome, ran.one("i").outcome) == ("ok", "ok")
