"""What stands for ansible-core's programs: takes what they take, answers as they were seen to.

It holds what it is given to what the bridge promises (a private folder, nothing that is a template)
and writes it down, a file for each call.
"""

from __future__ import annotations

import json
import os
import signal
import stat
import sys
import time
from pathlib import Path
from typing import Any

SCRIPT = """\
#!{python}
import sys
sys.path.insert(0, {folder!r})
from support.ansible_core import main
sys.exit(main({record!r}, {version!r}))
"""


class Plain(str):
    """Text that stood in the file without the tag that keeps it from being rendered."""


def install(folder: Path, version: str = "ansible-playbook [core 2.18.19]") -> Path:
    """Put the programs into ``folder``; what they are given is written into ``calls`` there."""
    record = folder / "calls"
    record.mkdir(parents=True)
    tests = str(Path(__file__).parents[1])
    for name in ("ansible-playbook", "ansible-doc"):
        path = folder / name
        text = SCRIPT.format(
            python=sys.executable, folder=tests, record=str(record), version=version
        )
        path.write_text(text)
        path.chmod(0o755)
    return folder / "ansible-playbook"


def calls(program: Path) -> list[dict[str, Any]]:
    """What the programs were given, in order; without questions about them."""
    paths = sorted((program.parent / "calls").glob("*.json"), key=lambda path: int(path.stem))
    return [json.loads(path.read_text()) for path in paths]


def main(record: str, version: str) -> int:
    """One of the programs."""
    if sys.argv[1:] == ["--version"]:
        print(f"{version}\n  config file = None")
        return 0
    if sys.argv[0].endswith("ansible-doc"):
        names = sys.argv[sys.argv.index("--") + 1 :]
        print("[WARNING]: some were not found", file=sys.stderr)
        print(json.dumps({name: {"doc": {}} for name in names if name.startswith("acme.")}))
        return 0
    assert sys.argv[1] == "-i", sys.argv
    return _played(Path(record), Path(sys.argv[2]), Path(sys.argv[3]))


def _played(record: Path, inventory: Path, playbook: Path) -> int:
    hosts = _loaded(inventory)["all"]["hosts"]
    [(host, variables)] = hosts.items()
    [play] = _loaded(playbook)
    task, shown = play["tasks"]
    own = {"register", "ignore_errors", "ignore_unreachable", "check_mode", "diff", "environment"}
    [module] = task.keys() - own
    files = {each.name: stat.S_IMODE(each.stat().st_mode) for each in inventory.parent.iterdir()}
    call = {
        "folder": str(inventory.parent),
        "files": files,
        "private": stat.S_IMODE(inventory.parent.stat().st_mode) == 0o700,
        "host": host,
        "variables": variables,
        "ssh_config": (inventory.parent / "ssh_config").read_text(),
        "module": module,
        "task": task,
        "plain": _plain(task[module]) + _plain(variables),
        "environment": {key: os.environ[key] for key in os.environ if key.startswith("ANSIBLE_")},
        "marked": "OPSRUN_BRIDGE" in os.environ,
    }
    # Several may come at once.
    partial = record / f"{os.getpid()}.partial"
    partial.write_text(json.dumps(call))
    partial.rename(record / f"{time.monotonic_ns()}.json")
    arguments = task[module]
    if arguments.get("hang"):
        begun = record.parent / "begun"
        if begun.exists():
            # A pipe, whose reader waits for this.
            begun.write_text(str(os.getpid()))
        signal.pause()
    if arguments.get("broken"):
        print(f"ERROR! couldn't resolve module/action '{module}'. It is misspelt.", file=sys.stderr)
        print("\nThe error appears to be in 'x': line 1", file=sys.stderr)
        return 4
    answer = arguments.get("answer", {})
    word = "FAILED!" if answer.get("failed") else "CHANGED"
    print(f"{host} | {word} => {json.dumps(answer, indent=4, sort_keys=True)}")
    assert shown["debug"] == {"var": task["register"]}
    registered = {"changed": False, "failed": False, **answer}
    shown = {task["register"]: registered}
    print(f"{host} | SUCCESS => {json.dumps(shown, indent=4, sort_keys=True)}")
    return 0


def _loaded(path: Path) -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        """Tells what has the tag ``!unsafe`` from what has not."""

    Loader.add_constructor("!unsafe", lambda loader, node: str(node.value))
    Loader.add_constructor("tag:yaml.org,2002:str", lambda loader, node: Plain(node.value))
    return yaml.load(path.read_text(encoding="utf-8"), Loader)


def _plain(value: Any) -> list[str]:
    """Texts, but for names, that ansible-core would have rendered once more."""
    if isinstance(value, dict):
        return [text for each in value.values() for text in _plain(each)]
    if isinstance(value, list):
        return [text for each in value for text in _plain(each)]
    return [value] if isinstance(value, Plain) else []
