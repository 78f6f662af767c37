"""The examples of docs/roles.md do what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.playruns import run

from opsrun.playbook.plugins import stand_ins

PAGE = (Path(__file__).parents[3] / "docs" / "roles.md").read_text()
FILES = dict(re.findall(r"^```(?:yaml|python)\n# (\S+)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))
TOLD = re.search(r"^these arguments don't fit:\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def test_what_is_wrong_with_the_arguments(tmp_path: Path) -> None:
    assert TOLD is not None
    ran = run(tmp_path, FILES)
    [found] = [
        each.result
        for each in ran.said("Validating arguments against arg spec 'main' - A web server.")
    ]
    assert found["argument_errors"] == TOLD[1].splitlines()
    assert found["msg"] == TOLD[0].removesuffix("\n```")


def test_right_arguments(tmp_path: Path) -> None:
    right = "{role: web, http_port: 80, sites: [{name: a}, {name: b}]}"
    site = re.sub(r"\{role: .*\}", right, FILES["site.yml"])
    assert run(tmp_path, {**FILES, "site.yml": site}).msg("serve") == "a b on 80"


def test_the_filter(tmp_path: Path) -> None:
    assert run(tmp_path, FILES, main=["shout.yml"]).msg("loud") == "HELLO!"


@pytest.mark.parametrize("name", stand_ins.known())
def test_every_stand_in_is_spoken_of(name: str) -> None:
    """Packages, and those that Python itself once had, aside."""
    last = name.removeprefix("ansible.").removeprefix("module_utils.")
    inner = [each for each in stand_ins.known() if each.startswith(f"{name}.")]
    assert (
        inner
        or "distutils" in name
        or name == "ansible.release"
        or last.split(".moves")[0]
        in (PAGE.replace("`.dumper`", "`parsing.yaml.dumper`").replace("basic.missing", "basic` `"))
    )
