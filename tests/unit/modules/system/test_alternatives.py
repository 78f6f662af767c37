"""alternatives: what a host knows is read, and what would come out wrong is refused."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import disposable
from support.machine_cases import inside
from support.module_host import ModuleHost, module_host

from opsrun.modules.base import ModuleError
from opsrun.modules.options import OptionError, resolve
from opsrun.modules.system.alternatives import Alternatives
from opsrun.modules.system.alternatives_known import Group, Program, Subcommand, of_file, of_query

KEPT = (
    "manual\n/usr/bin/java\njre\n/usr/lib/jvm/jre\nman\n/usr/share/man/java.1\n\n"
    "/opt/11/java\n@java-11@11000\n/opt/11/jre\n\n/opt/8/java\n-8\n\n\n"
)
"""As alternatives(8) of Red Hat's writes it."""


def test_what_red_hats_keeps() -> None:
    found = of_file(KEPT, "/opt/8/java")
    assert (found.link, found.auto, found.value) == ("/usr/bin/java", False, "/opt/8/java")
    assert found.programs == {
        "/opt/11/java": Program(11000, {"jre": "/opt/11/jre"}, "java-11"),
        "/opt/8/java": Program(-8),
    }
    assert found.subcommands("/opt/11/java") == [
        Subcommand("jre", "/usr/lib/jvm/jre", "/opt/11/jre")
    ]
    assert (found.best, found.best_with("/opt/8/java", 12000)) == ("/opt/11/java", "/opt/8/java")
    assert of_file("", "") == of_query("") == Group()
    for broken in ("auto", "auto\n/x", "auto\n/x\n\n/y\nhigh\n", "auto\n/x\na\n\n/y\n1\n"):
        with pytest.raises(ModuleError, match="makes no sense"):
            of_file(broken, "")


TOOL = """\
#!/bin/sh
case $1 in --help) echo 'usage: alternatives --display --family' ;; *) echo "$*" >>TOP/said ;; esac
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[ModuleHost]:
    """One whose tool is Red Hat's: it writes down its words."""
    tool = tmp_path / "bin/update-alternatives"
    tool.parent.mkdir()
    tool.write_text(TOOL.replace("TOP", str(tmp_path)))
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    prefix = ("env", f"PATH={tool.parent}:/usr/bin:/bin", "/bin/sh", "-c")
    with module_host(tmp_path, "sh", prefix) as made:
        yield made


def test_red_hats_tool(host: ModuleHost, tmp_path: Path) -> None:
    args = {"name": "no-such-name", "link": "/usr/bin/none", "path": "/bin/sh", "family": "a b"}
    assert host.run("alternatives", args)["changed"]
    assert (tmp_path / "said").read_text().splitlines() == [
        "--install /usr/bin/none no-such-name /bin/sh 50 --family a b",
        "--set no-such-name a b",
    ]
    told = host.run("alternatives", {"name": "no-such-name", "family": "x"})
    assert "there is no family x of alternatives for no-such-name" in told["msg"]


@pytest.mark.parametrize(
    "args",
    [
        {"path": "/x", "subcommands": [{"name": "a", "link": "/b"}]},
        {"path": "/x", "subcommands": [{"name": "a", "link": "/b", "path": "/c", "x": 1}]},
        {"family": "x", "state": "absent"},
        {"path": "/x", "priority": 2**31},
        {"path": "x"},
        {"path": "/x", "link": "x"},
        {"path": "/x", "subcommands": [{"name": "a", "link": "b", "path": "/c"}]},
        {"path": "/x", "subcommands": [{"name": "a", "link": "/b", "path": "c"}]},
        {"path": "/x", "name": "a/b"},
        {"path": "/x", "name": "a b"},
        {"path": "/x", "name": ""},
        {},
    ],
)
def test_what_can_not_be_had(args: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        resolve(Alternatives, {"name": "a", **args})


@pytest.mark.root
def test_on_a_machine(tmp_path: Path) -> None:
    if reason := disposable.obstacle():
        pytest.skip(f"no disposable machine: {reason}")
    with disposable.machine(tmp_path / "box") as box, inside(box, tmp_path) as host:
        if not box.sh("command -v update-alternatives || :"):
            pytest.skip("there is no update-alternatives (Debian: apt-get install dpkg)")
        box.sh("mkdir /run/b; cd /run/b; touch one two taken")
        args = {"name": "pad", "link": "/run/b/pad", "path": "/run/b/one", "priority": -7}
        for wrong in (
            {"link": "/run/b/taken"},
            {"subcommands": [{"name": "sub", "link": "/run/b/taken", "path": "/run/b/two"}]},
        ):
            told = host.run("alternatives", {**args, **wrong})
            assert "/run/b/taken is no link: it would not be replaced" in told["msg"]
        assert "pad" not in box.sh("update-alternatives --get-selections")
        host.settled("alternatives", args)
        # By its priority it would be called alone: it has been asked for, and stays.
        host.settled("alternatives", {**args, "path": "/run/b/two", "priority": 1})
        host.settled("alternatives", {"name": "pad", "path": "/run/b/one", "state": "auto"})
        host.settled("alternatives", {"name": "pad", "path": "/run/b/two", "priority": -9})
        assert box.sh("readlink -f /run/b/pad") == "/run/b/two\n"
        told = host.run("alternatives", {**args, "link": "/run/b/other", "state": "present"})
        assert told["changed"] is False
        assert "stays there" in told["warnings"][0]
        for path in ("/run/b/one", "/run/b/two"):
            host.settled("alternatives", {"name": "pad", "path": path, "state": "absent"})
        assert "pad" not in box.sh("update-alternatives --get-selections; ls /run/b")
        for wrong in (
            {"link": "/run/none/pad"},
            {"subcommands": [{"name": "sub", "link": "/run/none/s", "path": "/run/b/two"}]},
        ):
            for check in (True, False):
                told = host.run("alternatives", {**args, **wrong}, check=check)
                assert told["msg"] == "link: there is no folder /run/none/ on this host"
