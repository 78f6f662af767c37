"""Services of a host that systemd is not in charge of: scripts below ``/etc/init.d``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import booted, disposable
from support.machine_cases import inside
from support.scripts import Listening
from support.shells import shared_shells

from opsrun.modules.options import OptionError, resolve
from opsrun.modules.registry import find
from opsrun.modules.services.managers import is_running
from opsrun.modules.services.service_facts import units
from opsrun.modules.services.units import properties

TASKS: list[dict[str, Any]] = [
    {"name": "old", "state": "started", "enabled": True},
    {"name": "old", "state": "started", "enabled": True},
    {"name": "old", "state": "restarted"},
    {"name": "old", "state": "restarted", "sleep": 0, "arguments": "a 'b c'"},
    {"name": "old", "state": "reloaded"},
    {"name": "old", "state": "stopped", "enabled": False},
    {"name": "old", "state": "stopped", "enabled": False},
    {"name": "old", "state": "started", "pattern": "no such process"},
    {"name": "old", "state": "stopped"},
    {"name": "ill", "state": "started"},
    {"name": "good", "state": "started"},
    {"name": "good", "enabled": True},
    {"name": "good", "enabled": True},
    {"name": "good", "enabled": False},
    {"name": "no-such", "state": "started"},
]
ILL = """\
case $1 in
  start) echo 'ill: /etc/ill.conf: no such file' >&2; exit 6 ;;
  status) exit 3 ;;
esac
"""


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[disposable.Machine]:
    if reason := disposable.obstacle():
        pytest.skip(reason)
    with disposable.machine(tmp_path_factory.mktemp("plain") / "box", booted.PREPARE) as made:
        made.run("sh", "-c", "cat >/etc/init.d/ill; chmod 755 /etc/init.d/ill", stdin=ILL.encode())
        yield made


def _kind(told: dict[str, Any]) -> str:
    return "f" if told.get("failed") else "c" if told["changed"] else "i"


@pytest.mark.root
@pytest.mark.parametrize("shell", ["dash", "bash", "busybox ash", "mksh"])
def test_scripts_are_run(shell: str, box: disposable.Machine, tmp_path: Path) -> None:
    with inside(box, tmp_path, shared_shells(shell, "system").words) as host:
        host.hands = Listening(host.hands)  # type: ignore[assignment]
        told = [host.run("service", each) for each in TASKS]
        facts = host.run("service_facts")["ansible_facts"]["services"]
    assert "".join(map(_kind, told)) == "cicccci" + "cc" + "ff" + "cic" + "f", told
    assert told[0] == {"changed": True, "name": "old", "enabled": True, "state": "started"}
    assert told[9]["msg"] == "Unable to start service ill: ill: /etc/ill.conf: no such file"
    assert "systemd is not in charge of this host" in told[10]["msg"]
    assert "Could not find the requested service no-such: host" in told[-1]["msg"]
    assert facts["old"] == {"name": "old", "state": "stopped", "source": "sysv"}


@pytest.mark.root
def test_links_of_runlevels(box: disposable.Machine, tmp_path: Path) -> None:
    with inside(box, tmp_path) as host:
        host.run("service", {"name": "old", "enabled": True})
        assert box.sh("ls /etc/rc3.d").count("old") == 1
        assert "S01old" in box.sh("ls /etc/rc3.d")
        host.run("service", {"name": "old", "enabled": False})
        assert "K01old" in box.sh("ls /etc/rc3.d")
        told = host.run("service", {"name": "old", "masked": True})
        assert "only its units can be masked" in told["msg"]
        told = host.run("service", {"name": "old", "enabled": True, "daemon_reload": True})
        assert told["changed"]
        assert "daemon_reload: this host has no systemd" in told["warnings"][0]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"state": "started"}, "needs name"),
        ({"name": "x", "state": "running"}, "started"),
        ({"name": "x", "use": "sysvinitt"}, "sysvinit"),
    ],
)
def test_what_no_service_has(args: dict[str, Any], words: str) -> None:
    found = find("service")
    assert found is not None
    with pytest.raises(OptionError, match=words):
        resolve(found, args)


def test_what_a_status_says() -> None:
    assert is_running(0, "")
    assert is_running(3, "is running") is False
    assert is_running(150, "unused") is None
    assert is_running(4, "x is not running") is False
    assert is_running(None, "x is running")


def test_values_in_braces_have_lines() -> None:
    text = "Id=x\nExecStart={ path=/bin/sh ; argv[]=sh -c a=1\nb=2 ; pid=0 }\nType=simple\n"
    found = properties(text)
    assert found["Type"] == "simple"
    assert found["ExecStart"].endswith("b=2 ; pid=0 }")
    assert "b" not in found


@given(st.text(max_size=200))
def test_no_answer_of_systemctl_breaks_anything(text: str) -> None:
    assert isinstance(properties(text), dict)
    assert all(each["source"] == "systemd" for each in units(text, text, {}))
