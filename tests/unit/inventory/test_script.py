"""Inventory scripts: what they print is data, and what they do wrong is shown."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from opsrun.errors import InventoryError
from opsrun.inventory import Inventory, Unsafe, load_inventory
from opsrun.inventory import script as script_module


def script(folder: Path, body: str, name: str = "dyn") -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return f"./{name}"


def load(folder: Path, body: str, timeout: float = 60.0) -> Inventory:
    source = script(folder, body)
    return load_inventory([source], cwd=str(folder), env={}, script_timeout=timeout)


def test_what_a_script_prints_is_not_trusted(tmp_path: Path) -> None:
    body = (
        """echo '{"g": {"hosts": ["h"], "vars": {"a": "{{ x }}"}},"""
        """ "_meta": {"hostvars": {"h": {"b": 1}}}}'"""
    )
    host = load(tmp_path, body).hosts["h"]
    for name in ("a", "b"):
        ((origin, _, _),) = host.explain(name)
        assert (origin.kind, origin.trusted, origin.path) == ("script", False, "./dyn")


def test_the_markers_of_ansible_s_json_are_understood(tmp_path: Path) -> None:
    body = (
        """echo '{"g": ["h"], "_meta": {"hostvars": {"h": {"""
        """"u": {"__ansible_unsafe": "t"}, "v": {"__ansible_vault": "$ANSIBLE_VAULT"}}}}}'"""
    )
    variables = load(tmp_path, body).hosts["h"].variables
    assert isinstance(variables["u"], Unsafe)
    with pytest.raises(InventoryError, match=r"^\./dyn: 'v' is encrypted"):
        variables["v"]


def test_arguments_and_input_are_the_script_s_own(tmp_path: Path) -> None:
    body = """
    [ $# = 1 ] || [ $# = 2 ] || exit 7
    [ -z "$(cat)" ] || exit 8
    if [ "$1" = --host ]; then printf '{"n": "%s"}' "$2"; else echo '{"g": ["a;b", "c$d"]}'; fi
    """
    hosts = load(tmp_path, body).hosts
    assert {name: host.variables["n"] for name, host in hosts.items()} == {
        "a;b": "a;b",
        "c$d": "c$d",
    }


def test_a_script_is_found_from_the_working_directory(tmp_path: Path) -> None:
    script(tmp_path, """echo '{"g": ["h"]}'""", name="plain")
    inventory = load_inventory(["plain"], cwd=str(tmp_path), env={})
    assert list(inventory.hosts) == ["h"]


WRONG = {
    "echo boom >&2; echo more >&2; exit 3": ["ended with status 3", "\n  boom\n  more"],
    "kill -9 $$": ["was killed by SIGKILL"],
    "echo not json": ["printed no JSON", "not json"],
    "echo '[1]'": ["must print one JSON object"],
    """echo '{"g": 3}'""": ["'g' must be a list or an object"],
    """echo '{"g": {"hosts": "h"}}'""": ["'hosts' of the group 'g' must be a list"],
    """echo '{"g": {"hosts": [1]}}'""": ["'hosts' of the group 'g' must be a list"],
    """echo '{"g": {"vars": []}}'""": ["'vars' of the group 'g' must be an object"],
    """echo '{"g": {"children": ["g"]}}'""": ["can't be its own child"],
    """echo '{"g": ["-oProxyCommand=x"]}'""": ["must not begin with a dash"],
    """printf '{"g": ["a\\\\nb"]}'""": ["control or invisible characters"],
    """echo '{"g": ["h"], "_meta": []}'""": ["'_meta' must be an object"],
    """echo '{"g": ["h"], "_meta": {"hostvars": []}}'""": ["'hostvars'"],
    """echo '{"g": ["h"], "_meta": {"hostvars": {"h": 3}}}'""": ["'h' must be an object"],
    """[ $1 = --list ] && echo '{"g": ["h"]}' || exit 4""": ["--host h", "status 4"],
    "printf '\\377'": ["not UTF-8"],
}


@pytest.mark.parametrize(("body", "words"), WRONG.items())
def test_what_a_script_does_wrong_is_shown(tmp_path: Path, body: str, words: list[str]) -> None:
    with pytest.raises(InventoryError) as caught:
        load(tmp_path, body)
    for word in words:
        assert word in str(caught.value)
    assert str(caught.value).startswith("./dyn --")


def test_a_script_has_limited_time_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match=r"gave no answer within 0\.3 s\n  still here"):
        load(tmp_path, "echo still here >&2; sleep 600 & sleep 600", timeout=0.3)


def test_what_a_script_leaves_behind_holds_nobody_up(tmp_path: Path) -> None:
    answer = '{"g": ["h"], "_meta": {"hostvars": {}}}'
    inventory = load(tmp_path, f"sleep 600 & echo $! > left; echo '{answer}'")
    # Fails if it is gone: it is the script's affair, and held the script's output all the time.
    os.kill(int((tmp_path / "left").read_text()), signal.SIGKILL)
    assert list(inventory.hosts) == ["h"]


def test_a_script_that_prints_without_end_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script_module, "MAX_BYTES", 100_000)
    with pytest.raises(InventoryError, match="printed more than 100000 bytes"):
        load(tmp_path, "while :; do echo 0123456789; done")


def test_a_script_that_closes_its_output_and_stays_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match=r"did not end within 0\.3 s"):
        load(tmp_path, "exec >&- 2>&-; sleep 600", timeout=0.3)


def test_a_large_answer_is_read_whole(tmp_path: Path) -> None:
    names = [f"host{number:06}" for number in range(20_000)]
    (tmp_path / "answer").write_text(json.dumps({"g": names, "_meta": {"hostvars": {}}}))
    assert list(load(tmp_path, "cat answer; exit 0").hosts) == names


def test_a_script_that_can_not_be_started_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "dyn"
    path.write_text("#!/nonexistent/interpreter\n")
    path.chmod(0o755)
    with pytest.raises(InventoryError, match="can't be started"):
        load_inventory(["dyn"], cwd=str(tmp_path), env={})
