"""Passwords that are kept in files."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from opsrun.dialect.tags import Template
from opsrun.playbook.templating.library import Library, LookupContext
from opsrun.playbook.templating.templar import Templar


def look_up(folder: Path, call: str) -> Any:
    templar = Templar({}, Library.standard(), LookupContext(basedir=str(folder)))
    return templar.render(Template("{{ lookup('password', " + call + ") }}"))


def test_made_once_and_only_for_us(tmp_path: Path) -> None:
    first = look_up(tmp_path, "'deep/pw length=12 chars=digits'")
    assert len(first) == 12
    assert first.isdigit()
    path = tmp_path / "deep/pw"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == first + "\n"
    assert look_up(tmp_path, "'deep/pw length=30'") == first


def test_the_salt_is_kept_so_that_the_hash_stays(tmp_path: Path) -> None:
    first = look_up(tmp_path, "'pw', encrypt='md5_crypt'")
    assert first.startswith("$1$")
    assert " salt=" in (tmp_path / "pw").read_text()
    assert look_up(tmp_path, "'pw', encrypt='md5_crypt'") == first
    assert " " not in look_up(tmp_path, "'pw'")


def test_what_is_there_gets_a_salt_when_one_is_needed(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("with words\n")
    assert look_up(tmp_path, "'pw'") == "with words"
    look_up(tmp_path, "'pw encrypt=md5'")
    assert (tmp_path / "pw").read_text().startswith("with words salt=")
    assert look_up(tmp_path, "'pw'") == "with words"


def test_many_at_once_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: look_up(tmp_path, "'new/pw'"), range(40)))
    assert len(set(found)) == 1
    assert [each.name for each in (tmp_path / "new").iterdir()] == ["pw"]
