"""apk and pacman, beside what the dialect's own engine made of the same machine.

The calls that they make, and the answers of the real programs (apk 2.14, pacman 6.0), stand with
the steps: here a program that answers so takes their place.
"""

from __future__ import annotations

import doctest
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.module_cases import CASES
from support.module_host import ModuleHost, module_host
from support.replayed_calls import stand_in, strayed
from support.scripts import Listening, cover, lines
from support.shellcheck import findings
from support.shells import shared_shells

from opsrun.modules.options import OptionError
from opsrun.modules.packages import apk, apk_telling

TOLD = ("changed", "failed", "packages", "cache_updated", "msg")


def _steps(module: str) -> list[dict[str, Any]]:
    text = (CASES / module / "calls.yml").read_text(encoding="utf-8")
    found: list[dict[str, Any]] = yaml.load(text, Loader=yaml.CSafeLoader)
    return found


def _ran(host: ModuleHost, module: str, step: Mapping[str, Any], args: Any) -> dict[str, Any]:
    try:
        told = host.run(f"community.general.{module}", args, check=step.get("check", False))
    except OptionError as error:
        told = {"changed": False, "failed": True, "msg": str(error)}
    return {"failed": False, **told}


@pytest.mark.parametrize("shell", ["dash", "busybox ash"])
@pytest.mark.parametrize("module", ["apk", "pacman"])
def test_what_is_called_and_what_comes_of_it(
    module: str, shell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``ours`` has what is otherwise with us, and all of our words."""
    program, world = tmp_path / "bin" / module, tmp_path / "world"
    program.parent.mkdir()
    monkeypatch.setattr(apk, "WORLD", str(world))
    path = f"PATH={program.parent}:{os.environ['PATH']}"
    prefix = ("/usr/bin/env", path, "/bin/sh", "-c")
    wrong = []
    words = shared_shells(shell, "system").words
    with module_host(tmp_path, words, prefix) as host:
        listening = Listening(host.hands)
        host.hands = listening  # type: ignore[assignment]
        for step in _steps(module):
            calls = step.get("calls", [])
            stand_in(program, calls, world)
            args = {"world": str(world)} if module == "apk" else {}
            world.write_text(step.get("world", ""))
            got = _ran(host, module, step, {**args, **step["args"]})
            found = {name: got.get(name) for name in TOLD}
            wanted = {name: {**step["theirs"], **step["ours"]}.get(name) for name in TOLD}
            astray = strayed(program, calls)
            if found != wanted or astray:
                wrong.append(f"{step['args']} {found} {wanted} {astray}")
    assert not wrong, "\n".join(wrong)
    if shell == "dash":
        scripts = {each: lines([each], str(tmp_path)) for each in sorted({*listening.scripts})}
        assert findings(cover(scripts), tmp_path / "scripts") == ""


def test_examples() -> None:
    assert doctest.testmod(apk_telling).failed == 0


@pytest.mark.parametrize("module", ["apk", "pacman"])
def test_package_comes_to_the_same(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``package`` hands its task over."""
    program, world = tmp_path / "bin" / module, tmp_path / "world"
    program.parent.mkdir()
    monkeypatch.setattr(apk, "WORLD", str(world))
    step = next(each for each in _steps(module) if each["args"] == {"name": "alpha"})
    stand_in(program, step["calls"], world)
    world.write_text("")
    args = {**step["args"], "state": "present", "use": module}
    args |= {"world": str(world)} if module == "apk" else {}
    prefix = ("/usr/bin/env", f"PATH={program.parent}:{os.environ['PATH']}", "/bin/sh", "-c")
    with module_host(tmp_path, prefix=prefix) as host:
        told = host.run("package", args, check=step.get("check", False))
    assert (told["packages"], told["msg"]) == (step["theirs"]["packages"], step["ours"]["msg"])
    assert strayed(program, step["calls"]) == []
