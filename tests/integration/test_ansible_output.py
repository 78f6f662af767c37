"""``-o ansible`` prints what ansible-playbook printed for the same playbooks."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from support.ansible_output import CASES, FOLDER, RECORDED, Case, normal, words
from support.cli import opsrun


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_same_playbook_gives_the_same_output(case: Case, tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
    environment |= {"FORCE_COLOR": "1"} if case.color else {}
    ran = opsrun("playbook", "-o", "ansible", *words(case, tmp_path), cwd=FOLDER, env=environment)
    assert normal(ran.out, tmp_path) == case.recording.read_text()


def test_recordings_tell_nothing_of_the_machine_they_were_made_on() -> None:
    found = sorted(RECORDED.iterdir())
    assert [path.stem for path in found] == sorted(case.name for case in CASES)
    for path in found:
        text = path.read_text()
        assert not re.search(r"/(?:home|root|tmp|usr|work|opt)\b", text), path
        assert not re.search(r"(?:[0-9a-f]{2}:){5}", text), path
