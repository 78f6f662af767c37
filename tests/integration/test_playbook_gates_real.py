"""Plays side by side on real SSH servers, and the gates between their hosts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.cli import opsrun

from opsrun.lab import Lab

BOOK = """
- name: databases
  hosts: db[0:7]
  gather_facts: false
  after: []
  strategy: free
  tasks:
    - name: up
      command: test -e {{ playbook_dir }}/{{ inventory_hostname }}
      register: up
      until: up is success
      retries: 5000
      delay: 0.1
      opens: "{{ inventory_hostname }}-up"
    - name: counted
      command: "true"
      opens: all-up
- name: web
  hosts: web[0:7]
  gather_facts: false
  after: []
  strategy: free
  gates: [ssh, "cmd:test -d {{ playbook_dir }}"]
  tasks:
    - name: served
      command: touch {{ playbook_dir }}/{{ next }}
      vars:
        number: "{{ inventory_hostname[-2:] | int }}"
        next: "db{{ '%02d' | format(number | int - 1) }}"
      awaits: "db{{ inventory_hostname[-2:] }}-up"
    - name: all served
      command: "true"
      awaits: all-up
- name: behind both
  hosts: web01
  gather_facts: false
  tasks: [{name: end, debug: }]
"""


@pytest.mark.parametrize(("engine", "forks"), [("gevent", "9"), ("threads", "50")])
def test_released_one_by_one(lab: Lab, tmp_path: Path, engine: str, forks: str) -> None:
    """Each web server, once it is served, lets the next database come up: from db08 to db01."""
    (tmp_path / "site.yml").write_text(BOOK)
    (tmp_path / "db08").touch()
    words = ("-i", lab.inventory, "-o", "jsonl", "--engine", engine, "-f", forks)
    ran = opsrun("playbook", *words, "site.yml", cwd=tmp_path)
    assert ran.status == 0, ran.out[-6000:]
    events = [json.loads(line) for line in ran.out.splitlines()]
    done = [
        (each["name"], each["host"])
        for each in events
        if each["type"] == "task_result" and each.get("retries_left") is None
    ]
    for number in range(8, 1, -1):
        up = done.index(("up", f"db{number:02}"))
        assert up < done.index(("served", f"web{number:02}"))
        assert up < done.index(("up", f"db{number - 1:02}"))
    last = max(done.index(("counted", f"db{number:02}")) for number in range(1, 9))
    assert all(done.index(("all served", f"web{number:02}")) > last for number in range(1, 9))
    assert done[-1] == ("end", "web01")
