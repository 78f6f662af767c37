"""What `opsrun graph` draws of small playbooks."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from opsrun.cli.graph import graph as command
from opsrun.errors import InventoryError, PlaybookError
from opsrun.graph.build import build
from opsrun.graph.collapse import collapsed
from opsrun.graph.model import Detail, Graph
from opsrun.graph.svg import svg_lines
from opsrun.graph.text import ASCII, UNICODE, signs_for, text_lines
from opsrun.playbook.parse.loader import Loader
from opsrun.sinks.cells import width

SITE = """
- name: databases
  hosts: db
  serial: 2
  tasks:
    - name: migrate
      command: migrate
      opens: "schema-{{ site }}"
- name: web servers
  hosts: [web, "!web01"]
  after: []
  gates: schema-a
  tags: prod
  pre_tasks:
    - debug: {msg: hello}
  roles:
    - {role: nginx, tags: proxy}
  tasks:
    - name: release
      loop: [1, 2]
      when: release is defined
      block:
        - command: tar xf x.tar
      rescue:
        - name: go back
          command: ln -s
          notify: [reload, tell all]
      always:
        - include_tasks: "{{ x }}.yml"
    - include_tasks: again.yml
    - include_tasks: gone.yml
    - include_role: {name: late}
  handlers:
    - name: anything
      listen: tell all
      debug:
"""
FILES = {
    "site.yml": SITE,
    "again.yml": "[{name: step, ping: }, {include_tasks: again.yml, when: more}]",
    "roles/nginx/meta/main.yml": "dependencies: [common]",
    "roles/common/tasks/main.yml": "[{ping: }]",
    "roles/nginx/tasks/main.yml": """
- import_tasks: install.yml
  when: [wanted, "a or b"]
  tags: setup
- name: configure
  template: {src: a, dest: b}
  notify: reload
""",
    "roles/nginx/tasks/install.yml": "[{name: get, ping: }, {name: put, ping: , when: it}]",
    "roles/nginx/handlers/main.yml": "[{name: reload, command: nginx -s reload}]",
    "roles/late/tasks/main.yml": "[{name: last, ping: , notify: late one}]",
    "roles/late/handlers/main.yml": "[{name: late one, ping: }]",
}
TREE = """\
site.yml  2 plays, 3 roles, 13 tasks, 3 handlers
├─ play databases · db  (serial 2)
│  ├─ gather facts · setup
│  └─ tasks
│     └─ migrate · command  (opens schema-{{ site }})
└─ play web servers · web, !web01  (gates schema-a)  [prod]  at once
   ├─ gather facts · setup
   ├─ pre_tasks
   │  └─ debug: hello
   ├─ role nginx  [proxy]
   │  ├─ role common
   │  │  └─ ping
   │  ├─ import install.yml  when wanted and (a or b)  [setup]
   │  │  ├─ get · ping
   │  │  └─ put · ping  when it
   │  └─ configure · template  → reload
   ├─ tasks
   │  ├─ release  ↻ 2 items  when release is defined
   │  │  ├─ command: tar xf x.tar
   │  │  ├─ rescue
   │  │  │  └─ go back · command  → reload, anything
   │  │  └─ always
   │  │     └─ include {{ x }}.yml  (which one is known while it runs)
   │  ├─ include again.yml
   │  │  ├─ step · ping
   │  │  └─ include again.yml  when more
   │  │     ├─ step · ping
   │  │     └─ include again.yml  when more  (leads back to itself)
   │  ├─ include gone.yml  (can't be followed: site.yml:34:7: no task file 'gone.yml'; looked for)
   │  └─ include late · role
   │     └─ role late
   │        └─ last · ping  → late one
   └─ handlers
      ├─ reload · command  [proxy]  ← configure, go back
      ├─ anything · debug  ← go back
      └─ late one · ping  ← last"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPSRUN_INVENTORY", raising=False)
    return tmp_path


def drawn(folder: Path, name: str = "site.yml", count: int | None = None) -> Graph:
    loader = Loader(str(folder))
    plays = loader.load_playbook(name).plays
    return build(name, plays, loader.load, lambda play: count)


def tree(graph: Graph, columns: int = 96, **how: Any) -> str:
    return "\n".join(text_lines(graph, columns, color=how.pop("color", False), **how))


def test_a_whole_tree(folder: Path) -> None:
    found = [line.rstrip("…; ") for line in tree(drawn(folder)).splitlines()]
    wanted = TREE.splitlines()
    gone = next(n for n, line in enumerate(wanted) if "gone.yml" in line)
    assert found[:gone] + found[gone + 1 :] == wanted[:gone] + wanted[gone + 1 :]
    assert "include gone.yml  (can't be followed: site.yml:" in found[gone]


def test_roles_and_plays_alone(folder: Path) -> None:
    graph = drawn(folder, count=3)
    assert (
        tree(collapsed(graph, "roles"))
        == """\
site.yml  2 plays, 3 roles, 13 tasks, 3 handlers
├─ play databases · db (3)  (serial 2)
│  ├─ gather facts · setup
│  └─ tasks · 1 task  (opens schema-{{ site }})
└─ play web servers · web, !web01 (3)  (gates schema-a)  [prod]  at once
   ├─ gather facts · setup
   ├─ pre_tasks · 1 task
   ├─ role nginx · 3 tasks  [proxy]  → reload
   │  └─ role common · 1 task
   ├─ tasks · 4 tasks, 6 includes  → reload, anything
   │  └─ role late · 1 task  → late one
   └─ handlers
      ├─ reload · command  [proxy]  ← nginx, tasks
      ├─ anything · debug  ← tasks
      └─ late one · ping  ← late"""
    )
    assert tree(collapsed(graph, "plays"), 120).splitlines()[1:] == [
        "├─ play databases · db (3)  (serial 2)  (2 tasks)",
        "└─ play web servers · web, !web01 (3)  (gates schema-a)  "
        "(3 roles, 11 tasks, 6 includes, 3 handlers)  [prod]  at once",
    ]


def test_handlers_of_a_role_used_twice_are_drawn_once_and_idle_ones_counted(folder: Path) -> None:
    handlers = [{"name": f"h{n}", "ping": None} for n in range(9)]
    (folder / "roles/common/handlers").mkdir()
    (folder / "roles/common/handlers/main.yml").write_text(json.dumps(handlers))
    use = {"import_role": {"name": "common"}}
    play = {"hosts": "x", "tasks": [use, use, {"ping": None, "notify": "h3"}]}
    (folder / "twice.yml").write_text(json.dumps([play]))
    graph = drawn(folder, "twice.yml")
    assert [item.label for item in graph.plays[0].handlers] == [f"h{n}" for n in range(9)]
    assert len(graph.edges) == 1
    assert tree(collapsed(graph, "roles")).splitlines()[-2:] == [
        "      ├─ h3 · ping  ← tasks",
        "      └─ 8 that nobody notifies",
    ]


def test_edges(folder: Path) -> None:
    graph = drawn(folder)
    names = {item.id: item.label for play in graph.plays for item in play.walk()}
    names |= {play.id: play.name for play in graph.plays}
    found = {(e.relation, names[e.source], names[e.target]) for e in graph.edges}
    assert found == {
        ("gate", "migrate", "web servers"),
        ("notify", "configure", "reload"),
        ("notify", "go back", "reload"),
        ("notify", "go back", "anything"),
        ("notify", "last", "late one"),
    }


def test_plays_in_order_and_apart(folder: Path) -> None:
    (folder / "many.yml").write_text(
        json.dumps(
            [
                {"name": "a", "hosts": "x"},
                {"name": "b", "hosts": "x"},
                {"name": "c", "hosts": "x", "after": "a"},
                {"name": "d", "hosts": "x"},
            ]
        )
    )
    graph = drawn(folder, "many.yml")
    assert [(e.source, e.target) for e in graph.edges] == [
        ("0", "1"),
        ("0", "2"),
        ("1", "3"),
        ("2", "3"),
    ]
    assert "play d · x  after b, c" in tree(graph)
    (folder / "many.yml").write_text(json.dumps([{"name": "a", "hosts": "x", "after": "b"}]))
    with pytest.raises(PlaybookError, match="there is no other play 'b'"):
        drawn(folder, "many.yml")


@pytest.mark.parametrize("columns", [20, 40, 79])
def test_no_line_is_wider_than_the_terminal(folder: Path, columns: int) -> None:
    for line in tree(drawn(folder), columns).splitlines():
        head = len(line) - len(line.lstrip("│├└─ "))
        assert width(line) <= max(columns, head + 20)


def test_ascii_and_colours(folder: Path) -> None:
    plain = tree(drawn(folder), signs=ASCII)
    assert plain.isascii()
    assert "|- play databases - db" in plain
    assert "configure - template  -> reload" in plain
    assert (signs_for("utf-8"), signs_for("ascii"), signs_for(None)) == (UNICODE, ASCII, ASCII)
    coloured = tree(drawn(folder), color=True)
    assert "\x1b[36mnginx\x1b[0m" in coloured


def test_what_is_written_can_not_move_the_cursor(folder: Path) -> None:
    (folder / "bad.yml").write_text(json.dumps([{"hosts": "all", "name": "a\x1b[2Jb\nc"}]))
    assert "\x1b" not in tree(drawn(folder, "bad.yml"))


@pytest.mark.parametrize("detail", ["plays", "roles", "tasks"])
def test_the_picture_is_well_formed_and_names_everything(folder: Path, detail: Detail) -> None:
    graph = collapsed(drawn(folder, count=2), detail)
    picture = ET.fromstring("\n".join(svg_lines(graph)))
    space = "{http://www.w3.org/2000/svg}"
    said = "\n".join("".join(each.itertext()) for each in picture.iter(f"{space}title"))
    labels = [item.label for play in graph.plays for item in play.walk()]
    for label in (*labels, *(play.name for play in graph.plays)):
        assert label in said
    assert picture.attrib["role"] == "img"
    assert picture.find(f"{space}desc") is not None
    assert len(list(picture.iter(f"{space}rect"))) > len(labels)


def test_the_picture_escapes_what_is_written(folder: Path) -> None:
    name = '</text><script>alert(1)</script> & "x" \x00\ud800'
    graph = drawn(folder)
    play = replace(graph.plays[0], name=name)
    text = "\n".join(svg_lines(replace(graph, title=name, plays=(play,))))
    assert "<script" not in text
    ET.fromstring(text.encode("utf-8"))


def test_the_command(folder: Path) -> None:
    run = CliRunner().invoke
    text = run(command, ["site.yml", "--detail", "plays"]).output
    assert "play databases · db  (serial 2)  (2 tasks)\n" in text
    words = ["site.yml", "-i", "db1,db2,", "--detail", "plays"]
    assert "db (0)" in run(command, words).output
    (folder / "hosts").write_text("[db]\ndb[1:3]\n[web]\nweb01\nweb02\n")
    assert "play databases · db (3)" in run(command, ["site.yml", "-i", "hosts"]).output
    assert "play web servers · web, !web01 (1)" in run(command, ["site.yml", "-i", "hosts"]).output
    assert "db (1)" in run(command, ["site.yml", "-i", "hosts", "-l", "db2"]).output
    data = json.loads(run(command, ["site.yml", "-o", "json"]).output)
    assert [play["name"] for play in data["plays"]] == ["databases", "web servers"]
    assert isinstance(run(command, ["site.yml", "-i", "nowhere"]).exception, InventoryError)


def test_tags_choose(folder: Path) -> None:
    (folder / "site.yml").write_text(SITE.replace("gates: schema-a", ""))
    run = CliRunner().invoke
    text = run(command, ["site.yml", "-t", "proxy"]).output
    assert "role nginx" in text
    assert "release" not in text
    text = run(command, ["site.yml", "--skip-tags", "setup"]).output
    assert "role common" in text
    assert "import install.yml" not in text


def test_dot(folder: Path) -> None:
    text = CliRunner().invoke(command, ["site.yml", "-o", "dot", "--detail", "tasks"]).output
    assert text.startswith("digraph playbook {\n")
    assert text.rstrip().endswith("}")
    assert text.count("{") == text.count("}")
    assert '[label="configure\\ntemplate"]' in text
    assert "[color=purple]" in text


def test_the_example_of_the_documentation(monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).parents[3]
    monkeypatch.chdir(root)
    words = ["playbooks/site.yml", "-i", "inventories/lab.yml"]
    shown = CliRunner().invoke(command, words).output
    assert shown.strip() in (root / "docs/graph.md").read_text("utf-8")
