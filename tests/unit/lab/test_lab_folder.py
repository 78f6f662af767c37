"""What is written into a lab's folder."""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path

import pytest
import yaml

from opsrun.errors import LabError, UsageError
from opsrun.lab.folder import (
    Folder,
    inventory_text,
    known_hosts_text,
    ssh_config_text,
    write_private,
)
from opsrun.lab.keys import new_key
from opsrun.lab.layout import LabHost

HOSTS = (
    LabHost("web01", "127.80.0.1", 22022),
    LabHost("web02", "127.80.0.2", 22022),
    LabHost("db01", "127.80.0.3", 22022),
)


def test_inventory_holds_all_that_is_needed(tmp_path: Path) -> None:
    folder = Folder.at(tmp_path)
    everything = yaml.safe_load(inventory_text(HOSTS, "me", folder))["all"]
    assert everything["vars"] == {
        "ansible_user": "me",
        "ansible_ssh_private_key_file": f"{tmp_path}/id_ed25519",
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={tmp_path}/known_hosts",
    }
    assert everything["children"]["web"]["hosts"] == {
        "web01": {"ansible_host": "127.80.0.1", "ansible_port": 22022},
        "web02": {"ansible_host": "127.80.0.2", "ansible_port": 22022},
    }
    assert list(everything["children"]) == ["web", "db"]


def test_a_blank_in_the_path_survives_the_shell_words(tmp_path: Path) -> None:
    folder = Folder.at(tmp_path / "my lab")
    common = yaml.safe_load(inventory_text(HOSTS, "me", folder))["all"]["vars"]
    words = shlex.split(common["ansible_ssh_common_args"])
    assert words == ["-o", f'UserKnownHostsFile="{tmp_path}/my lab/known_hosts"']


def test_a_user_that_yaml_would_read_as_something_else(tmp_path: Path) -> None:
    text = inventory_text(HOSTS, "007", Folder.at(tmp_path))
    assert yaml.safe_load(text)["all"]["vars"]["ansible_user"] == "007"


def test_ssh_config_names_every_host(tmp_path: Path) -> None:
    lines = ssh_config_text(HOSTS, "me", Folder.at(tmp_path)).splitlines()
    at = lines.index("Host web02")
    assert lines[at + 1 : at + 3] == ["    HostName 127.80.0.2", "    Port 22022"]
    assert "Host web01 web02 db01" in lines
    assert f'    IdentityFile "{tmp_path}/id_ed25519"' in lines


def test_known_hosts_has_a_line_a_host() -> None:
    keys = {host.name: f"ssh-ed25519 {host.name}" for host in HOSTS}
    lines = known_hosts_text(HOSTS, keys).splitlines()
    assert lines[2] == "[127.80.0.3]:22022 ssh-ed25519 db01"
    assert len(lines) == 3


def test_every_key_is_another() -> None:
    pairs = [new_key() for _ in range(3)]
    assert len({pair.public for pair in pairs}) == 3
    assert all(pair.private.startswith(b"-----BEGIN OPENSSH PRIVATE KEY-----") for pair in pairs)
    assert pairs[0].private.decode() not in repr(pairs[0])


@pytest.mark.parametrize("name", ["a'b", 'a"b', "a%h", "a$HOME", "a\nb", "a{{b}}", "a\\b"])
def test_paths_that_ssh_reads_otherwise_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="confuses ssh"):
        Folder.at(tmp_path / name)


def test_files_are_private_from_the_start(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_private(tmp_path / "key", "secret")
        folder = Folder.at(tmp_path / "deep" / "lab")
        folder.make()
        folder.make_rooms()
        folder.make_home("web01")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("key")] == ["key"]
    for path in [folder.root, *folder.root.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    folder = Folder.at(tmp_path)
    folder.make()
    with pytest.raises(LabError, match="not empty, and not a lab"):
        folder.require_empty()


def test_a_file_or_a_link_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(LabError, match="File exists"):
        Folder.at(tmp_path / "file").make()
    with pytest.raises(LabError, match="no directory of ours"):
        Folder.at(tmp_path / "link").make()


def test_two_at_once_are_told_apart(tmp_path: Path) -> None:
    folder = Folder.at(tmp_path)
    with (
        folder.locked(),
        pytest.raises(LabError, match="another opsrun"),
        folder.locked(),
    ):
        pass
    with folder.locked():
        pass


def test_a_lock_on_a_folder_that_was_removed_is_none(tmp_path: Path) -> None:
    folder = Folder.at(tmp_path / "lab")
    folder.make()
    descriptor = os.open(folder.root, os.O_RDONLY)
    try:
        assert folder.is_at(descriptor)
        folder.root.rmdir()
        assert not folder.is_at(descriptor)
        folder.make()
        assert not folder.is_at(descriptor)
    finally:
        os.close(descriptor)
