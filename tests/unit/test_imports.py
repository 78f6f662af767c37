"""What importing and starting opsrun costs, and what it must not touch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import opsrun

HEAVY = ("paramiko", "gevent", "jinja2", "rich", "asyncio", "prompt_toolkit")


def loaded_after(code: str, *args: str) -> tuple[list[str], subprocess.CompletedProcess[str]]:
    """Top-level names in sys.modules when a fresh interpreter has run ``code``."""
    script = (
        "import atexit, json, sys\n"
        "atexit.register(lambda: print('\\n' + json.dumps(sorted(sys.modules)), file=sys.stderr))\n"
        f"{code}"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, *args], capture_output=True, text=True, check=False
    )
    modules = json.loads(ended.stderr.rstrip().rpartition("\n")[2])
    return sorted({name.partition(".")[0] for name in modules}), ended


MAIN = "from opsrun.cli.main import entry_point; entry_point()"


@pytest.mark.parametrize(
    "args",
    [
        ("--version",),
        ("--help",),
        ("exec", "--help"),
        ("shell", "--help"),
        ("ping", "--help"),
        ("wait", "--help"),
        ("trust", "--help"),
        ("inventory", "--help"),
        ("lab", "--help"),
        ("config", "--help"),
    ],
)
def test_what_only_informs_imports_nothing_heavy(args: tuple[str, ...]) -> None:
    modules, ended = loaded_after(MAIN, *args)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout
    assert "opsrun" in modules
    assert not set(HEAVY) & set(modules)


def test_importing_opsrun_imports_nothing_heavy() -> None:
    modules, _ = loaded_after("import opsrun")
    assert "opsrun" in modules
    assert not set(HEAVY) & set(modules)


def test_a_plain_run_imports_what_it_needs() -> None:
    """YAML, other ways to reach a host, other actions: by who asks for them."""
    words = ("exec", "-i", "h1,", "-w", "localhost", "--", "true")
    modules, ended = loaded_after(MAIN, *words)
    assert ended.returncode == 0, ended.stderr
    unwanted = {"paramiko", "cryptography", "yaml", "asyncio", "prompt_toolkit"}
    assert not unwanted & set(modules)


QUIET = """
import json, logging, os, signal, socket, sys, threading, time
def state():
    return {
        "threads": threading.active_count(),
        "native": len(os.listdir("/proc/self/task")),
        "handlers": len(logging.root.handlers),
        "loggers": sorted(n for n, l in logging.root.manager.loggerDict.items()
                          if getattr(l, "handlers", None)),
        "level": logging.root.level,
        "signals": [repr(signal.getsignal(n)) for n in range(1, 32)],
        "functions": [socket.socket.__module__, time.sleep.__module__, threading.Thread.__module__],
        "hook": repr(sys.excepthook),
        "environ": dict(os.environ),
        "files": len(os.listdir("/proc/self/fd")),
    }
before = state()
import opsrun
for name in opsrun.__all__:
    getattr(opsrun, name)
after = state()
print(json.dumps([key for key in before if before[key] != after[key]]))
"""


def test_importing_opsrun_starts_patches_and_configures_nothing() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", QUIET], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == []
    assert ended.stderr == ""


PUBLIC = [
    "AuthenticationFailed",
    "Become",
    "BecomeError",
    "Cancelled",
    "CommandFailed",
    "CommandTimeout",
    "ConfigError",
    "ConnectionFailed",
    "ConnectionLost",
    "CustomStats",
    "Danger",
    "ErrorInfo",
    "Event",
    "Fleet",
    "FleetOptions",
    "GateTimeout",
    "HandlersPending",
    "Host",
    "HostError",
    "HostKeyError",
    "HostStarted",
    "InputError",
    "Inventory",
    "InventoryError",
    "NotBuiltError",
    "Notice",
    "OneHost",
    "OpsrunError",
    "Outcome",
    "Output",
    "PatternError",
    "PlayStarted",
    "PlaybookError",
    "PlaybookStarted",
    "Progress",
    "Report",
    "Result",
    "Retry",
    "RunFailed",
    "RunHandle",
    "RunStarted",
    "Secret",
    "Sink",
    "Summary",
    "TaskResult",
    "TaskStarted",
    "TemplateError",
    "TransferFailed",
    "UndefinedVariable",
    "UsageError",
    "VaultSecrets",
    "Waiting",
    "WorkId",
    "__version__",
]


def test_public_names() -> None:
    assert opsrun.__all__ == PUBLIC
    assert opsrun.__all__ == sorted(opsrun.__all__)
    assert dir(opsrun) == PUBLIC
    assert all(getattr(opsrun, name) is not None for name in PUBLIC)
    with pytest.raises(AttributeError, match="no attribute 'Flet'"):
        _ = opsrun.Flet


@pytest.fixture
def here(tmp_path: Path) -> str:
    """An inventory of this machine alone, without SSH."""
    path = tmp_path / "here.ini"
    path.write_text("here ansible_connection=local\n")
    return str(path)


def test_the_threads_engine_never_imports_gevent(here: str) -> None:
    modules, ended = loaded_after(
        MAIN, "exec", "--engine", "threads", "-i", here, "-w", "here", "--", "echo ran"
    )
    assert "ran" in ended.stdout
    assert ended.returncode == 0
    assert not {"gevent", "paramiko"} & set(modules)


def test_a_run_on_this_machine_alone_never_imports_paramiko(here: str) -> None:
    modules, ended = loaded_after(MAIN, "exec", "-i", here, "-w", "here", "--", "echo ran")
    assert "ran" in ended.stdout
    assert "gevent" in modules
    assert "paramiko" not in modules


def test_listing_hosts_needs_no_engine(here: str) -> None:
    modules, ended = loaded_after(MAIN, "exec", "-i", here, "-w", "all", "--list-hosts")
    assert ended.stdout == "here\n"
    assert not set(HEAVY) & set(modules)
