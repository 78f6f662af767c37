"""What is said of playbooks before they run."""

from __future__ import annotations

from pathlib import Path

from opsrun.composition.playbooks.remarks import shadowed
from opsrun.playbook.parse.loader import Loader

BOOK = """\
- hosts: all
  vars: {groups: 1, mine: 2, role_name: 3}
  tasks:
    - command: id
      register: hostvars
    - set_fact: {inventory_hostname: x, mine: 1}
    - block:
        - debug: msg=x
      vars: {vars: 1}
"""


def test_variables_that_magic_ones_win_over_are_named_with_their_places(tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text(BOOK)
    book = Loader(str(tmp_path)).load_playbook("site.yml")
    places = [words.split(" is set")[0] for words in shadowed(book.plays)]
    assert places == [
        "site.yml:2: 'groups'",
        "site.yml:5: 'hostvars'",
        "site.yml:6: 'inventory_hostname'",
        "site.yml:9: 'vars'",
    ]
