"""Facts in files: which are believed, and what becomes of those that are not."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.composition.fact_cache import FactCache
from opsrun.errors import UsageError
from opsrun.playbook.messages import Exports
from opsrun.playbook.state import RunState

FACTS = {"ansible_kernel": "6.1", "module_setup": True, "mine": [1]}


def cache(folder: Path, told: list[str] | None = None, **more: Any) -> FactCache:
    return FactCache(str(folder), warn=(told if told is not None else []).append, **more)


def test_what_is_kept_is_there_again_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    cache(folder).save("web1", FACTS)
    assert cache(folder).load("web1") == FACTS
    assert (folder / "web1").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [each.name for each in folder.iterdir()] == ["web1"]
    assert json.loads((folder / "web1").read_text())["_ansible_facts_gathered"] is True


def test_what_ansible_wrote_is_read(tmp_path: Path) -> None:
    told = {"_ansible_facts_gathered": True, "ansible_lsb": {"id": "Debian"}, "mine": {"a": 1}}
    (tmp_path / "p_h").write_text(json.dumps(told))
    found = cache(tmp_path, prefix="p_").load("h")
    assert found == {"ansible_lsb": {"id": "Debian"}, "mine": {"a": 1}, "module_setup": True}
    (tmp_path / "p_h").write_text('{"mine": 1}')
    assert cache(tmp_path, prefix="p_").load("h") == {"mine": 1}


@pytest.mark.parametrize(("lifetime", "good"), [(100, True), (99, False), (0, True)])
def test_facts_have_their_time(lifetime: int, good: bool, tmp_path: Path) -> None:
    cache(tmp_path).save("h", FACTS)
    os.utime(tmp_path / "h", (1000, 1000))
    found = cache(tmp_path, lifetime=lifetime, now=lambda: 1100.0).load("h")
    assert bool(found) is good


@pytest.mark.parametrize("text", [b"", b"{", b"[1]", b"\xff\xfe", b"[" * 100_000, b"null"])
def test_what_makes_no_sense_is_told_once(text: bytes, tmp_path: Path) -> None:
    told: list[str] = []
    for host in ("h", "i"):
        (tmp_path / host).write_bytes(text)
    found = cache(tmp_path, told)
    assert (found.load("h"), found.load("i")) == ({}, {})
    assert len(told) == 1
    assert "asked anew" in told[0]


def test_what_cannot_be_kept_is_told_and_gone_on_without(tmp_path: Path) -> None:
    told: list[str] = []
    found = cache(tmp_path / "f" / "g", told)
    (tmp_path / "f").write_text("in the way")
    found.save("h", FACTS)
    found.save("i", FACTS)
    assert len(told) == 1
    assert "can't be kept" in told[0]
    (tmp_path / "h").mkdir()
    beside = cache(tmp_path, told)
    beside.save("h", FACTS)
    assert beside.load("h") == {}
    assert not [each for each in tmp_path.iterdir() if each.name.endswith(".tmp")]


def test_a_folder_of_everybody_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(UsageError, match="everybody may write"):
        cache(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="expected a folder"):
        cache(tmp_path / "file")


@given(st.text(min_size=1, max_size=300).filter(lambda name: "\0" not in name))
def test_every_name_has_a_file_in_the_folder(name: str) -> None:
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return
    found = FactCache("/nowhere").path(name)
    assert found.parent == Path("/nowhere")
    assert found.name not in (".", "..")


def test_a_runs_facts_are_kept_as_they_come(tmp_path: Path) -> None:
    from opsrun.playbook.messages import TaskEnded
    from opsrun.results import Outcome

    def ended(exports: Exports) -> TaskEnded:
        return TaskEnded("h", "t", 1, Outcome.OK, exports=exports)

    first = RunState(cache(tmp_path))
    first.fold(ended(Exports(facts={"ansible_a": 1, "module_setup": True})))
    first.fold(ended(Exports(variables={"y": 2, "z": 3}, cacheable={"y": 2})))
    second = RunState(cache(tmp_path))
    found: Mapping[str, Any] = second.host("h").facts
    assert found == {"ansible_a": 1, "module_setup": True, "y": 2}
    assert second.host("h").gathered
    assert second.host("h").variables == {}
    second.fold(ended(Exports(clear_facts=True)))
    assert not (tmp_path / "h").exists()
    assert RunState(cache(tmp_path)).host("h").facts == {}
