"""Ansible's settings: honoured, moot, refused or remarked on; none is passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsrun.compat.settings import EFFECTLESS, HONOURED, MOOT, ONLY, Settings, config_file
from opsrun.compat.translation import NotTranslated


def test_the_environment_wins_over_the_file() -> None:
    file = "[defaults]\nforks = 7\nremote_user = filed\n"
    settings = Settings({"ANSIBLE_FORKS": "9"}, file)
    assert settings.text("forks") == "9"
    assert settings.text("remote_user") == "filed"
    assert settings.text("timeout") is None


def test_paths_of_a_file_are_relative_to_it(tmp_path: Path) -> None:
    settings = Settings({}, "[defaults]\nroles_path = roles:/abs\n", str(tmp_path / "ansible.cfg"))
    told = settings.get("roles_path")
    assert told is not None
    assert told.paths == [str(tmp_path / "roles"), "/abs"]


def test_paths_of_the_environment_are_relative_to_where_we_are() -> None:
    told = Settings({"ANSIBLE_ROLES_PATH": "a:b"}).get("roles_path")
    assert told is not None
    assert told.paths == ["a", "b"]


@pytest.mark.parametrize("name", sorted(ONLY))
def test_what_opsrun_does_not_do_is_refused(name: str) -> None:
    with pytest.raises(NotTranslated, match=name):
        Settings({name: "something else"})


@pytest.mark.parametrize("name", sorted(ONLY))
def test_what_opsrun_does_anyway_is_taken(name: str) -> None:
    assert Settings({name: ONLY[name][0]}).remarks == []


def test_a_key_of_the_file_is_refused_at_its_place() -> None:
    with pytest.raises(NotTranslated, match=r"x.cfg: \[defaults\] hash_behaviour.*'merge'"):
        Settings({}, "[defaults]\nhash_behaviour = merge\n", "x.cfg")


def test_the_unknown_is_remarked_on() -> None:
    remarks = Settings({"ANSIBLE_NONESUCH": "1"}, "[defaults]\nnonesuch = 1\n", "x.cfg").remarks
    assert remarks == [
        "ANSIBLE_NONESUCH is not honoured",
        "x.cfg: [defaults] nonesuch is not honoured",
    ]


def test_the_moot_is_not() -> None:
    file = "[defaults]\nretry_files_enabled = no\n[colors]\nok = green\n"
    assert Settings(dict.fromkeys(MOOT, "1"), file).remarks == []


def test_no_setting_is_of_two_kinds() -> None:
    honoured = {place for places in HONOURED.values() for place in places}
    assert not honoured & MOOT
    assert not honoured & ONLY.keys()
    assert not MOOT & ONLY.keys()
    assert not EFFECTLESS.keys() & (honoured | MOOT | ONLY.keys())


@pytest.mark.parametrize("value", ["always", "silently"])
def test_groups_keep_their_names(value: str) -> None:
    with pytest.raises(NotTranslated, match="TRANSFORM_INVALID_GROUP_CHARS"):
        Settings({"ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS": value})
    with pytest.raises(NotTranslated, match=r"\[defaults\] transform_invalid_group_chars"):
        Settings({}, f"[defaults]\ntransform_invalid_group_chars = {value}\n")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED", "true", False),
        ("ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED", "false", True),
        ("ANSIBLE_INVENTORY_UNPARSED_FAILED", "0", True),
        ("ANSIBLE_INVENTORY_ENABLED", "host_list, script, auto, yaml, ini, toml", False),
        ("ANSIBLE_INVENTORY_ENABLED", "yaml", True),
    ],
)
def test_what_has_no_effect_is_told_in_a_line(name: str, value: str, told: bool) -> None:
    remarks = Settings({name: value}).remarks
    assert [each.partition(":")[0] for each in remarks] == [f"{name} has no effect"] * told


def test_another_shell_for_all_is_refused() -> None:
    with pytest.raises(NotTranslated, match=r"\[defaults\] executable.*'/bin/bash'"):
        Settings({}, "[defaults]\nexecutable = /bin/bash\n")


def test_a_switch_that_is_none() -> None:
    with pytest.raises(NotTranslated, match="ANSIBLE_BECOME: expected yes or no, found 'maybe'"):
        Settings({"ANSIBLE_BECOME": "maybe"}).is_on("become")


def test_a_broken_file_is_told() -> None:
    with pytest.raises(NotTranslated, match=r"x\.cfg"):
        Settings({}, "no section\n", "x.cfg")


def test_the_file_that_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    named = tmp_path / "other.cfg"
    named.write_text("")
    assert config_file({"ANSIBLE_CONFIG": str(named)}) == str(named)
    (tmp_path / "ansible.cfg").write_text("")
    assert config_file({}) == "ansible.cfg"
