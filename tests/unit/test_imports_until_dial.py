"""What a command imports until it dials its first host: time that its user waits, counted.

The numbers are today's with two or three to spare, and are raised by who knows why: a module costs
about a third of a millisecond, and one that few runs need is imported where it is needed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

EXEC, PLAYBOOK = 195, 436
"""Modules of opsrun's own."""

WATCHED = """
import json, os, sys
def dials(event, args):
    if event == "socket.connect" and isinstance(args[1], tuple):
        os.write(1, json.dumps(list(sys.modules)).encode() + b"\\n")
        os._exit(77)
sys.addaudithook(dials)
from opsrun.cli.main import entry_point
entry_point()
"""

TOUR = Path(__file__).parents[2] / "benchmarks" / "tour" / "tour.yml"

NEVER = {
    *("argparse", "asyncio", "ctypes", "email", "html", "http", "importlib.metadata", "invoke"),
    *("multiprocessing", "platformdirs", "prompt_toolkit", "rich", "ssl", "tomllib", "unittest"),
    *("urllib.request", "zipfile"),
}
"""What neither of them has a use for until then."""


@pytest.fixture
def inventory(tmp_path: Path) -> str:
    path = tmp_path / "hosts.ini"
    path.write_text(
        "far ansible_host=127.0.0.1 ansible_port=1 ansible_user=me ansible_password=x\n"
    )
    return str(path)


def _until_dial(tmp_path: Path, *words: str) -> set[str]:
    ended = subprocess.run(
        [sys.executable, "-c", WATCHED, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert ended.returncode == 77, ended.stderr
    return set(json.loads(ended.stdout.splitlines()[-1]))


def _ours(modules: set[str]) -> int:
    return sum(name.partition(".")[0] == "opsrun" for name in modules)


def _never(modules: set[str]) -> set[str]:
    return {each for each in NEVER if each in modules}


def test_a_command_on_one_host(tmp_path: Path, inventory: str) -> None:
    words = ("exec", "-i", inventory, "-w", "far", "-F", "none", "--no-journal", "--", "true")
    modules = _until_dial(tmp_path, *words)
    assert _never(modules) == set()
    assert not {"jinja2", "yaml"} & modules
    rooms = ("playbook", "modules", "lint", "lab", "composition.playbooks", "adhoc.checks")
    for room in rooms:
        assert f"opsrun.{room}" not in modules
    assert _ours(modules) <= EXEC


def test_a_playbook(tmp_path: Path, inventory: str) -> None:
    words = ("-i", inventory, "-F", "none", "-e", "root=/nowhere", "--no-journal", str(TOUR))
    modules = _until_dial(tmp_path, "playbook", *words)
    assert _never(modules) == set()
    rooms = ("lint", "lab", "adhoc.checks", "adhoc.lookout", "composition.bridging")
    for room in rooms:
        assert f"opsrun.{room}" not in modules
    for kind in ("lookups", "tests"):
        unused = [name for name in modules if name.startswith(f"opsrun.playbook.templating.{kind}")]
        assert unused == []
    assert _ours(modules) <= PLAYBOOK


@pytest.mark.parametrize("word", ["--version", "--help"])
def test_what_is_asked_of_opsrun_itself(word: str) -> None:
    say = "import atexit, json, sys; atexit.register(lambda: print(json.dumps([*sys.modules])))\n"
    code = f"{say}from opsrun.cli.main import entry_point; entry_point()"
    words = [sys.executable, "-c", code, word]
    ran = subprocess.run(words, capture_output=True, text=True, check=True)
    modules = set(json.loads(ran.stdout.splitlines()[-1]))
    assert _never(modules) == set()
    assert {name for name in modules if name.startswith("opsrun")} == {
        *("opsrun", "opsrun.cli", "opsrun.cli.late_methods", "opsrun.cli.late_patterns"),
        *("opsrun.cli.left_out", "opsrun.cli.main", "opsrun.errors", "opsrun.nearest"),
        *("opsrun.phases", "opsrun.version"),
    }
    assert "difflib" not in modules
