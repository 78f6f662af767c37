"""The inventory of a run as tasks add to it, and the layers of variables over it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from opsrun.dialect.tags import Template
from opsrun.errors import PatternError
from opsrun.inventory import Inventory, load_inventory
from opsrun.playbook.messages import GroupBy, NewHost, TaskEnded
from opsrun.playbook.variables.layers import Computed, InventoryLayer, Layers, Trusted
from opsrun.playbook.variables.live import LiveInventory
from opsrun.results import Outcome


def ended(host: str = "a", task: str = "t", **more: Any) -> TaskEnded:
    return TaskEnded(host, task, 1, Outcome.CHANGED, **more)


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    (tmp_path / "hosts").write_text("[web]\na x=1 t='{{ x }}'\nb\n[db]\nc\n[both:children]\nweb\n")
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars/new.yml").write_text("n: of the group\n")
    return load_inventory([str(tmp_path / "hosts")])


def settled(inventory: Inventory, *messages: TaskEnded) -> LiveInventory:
    live = LiveInventory(inventory)
    for message in messages:
        live.fold(message)
    live.settle()
    return live


def test_a_new_host_has_groups_and_variables(inventory: Inventory) -> None:
    new = NewHost("d", ("web", "fresh"), {"v": [1]})
    live = settled(inventory, ended(new_hosts=(new,)))
    assert live.groups()["web"] == ["a", "b", "d"]
    assert live.groups()["fresh"] == ["d"]
    assert live.groups()["all"] == ["a", "b", "c", "d"]
    assert InventoryLayer(live.host("d"), Trusted())["v"] == [1]
    assert "d" not in inventory.hosts, "what was there before stays as it was"


def test_a_known_host_keeps_what_it_has(inventory: Inventory) -> None:
    live = settled(inventory, ended(new_hosts=(NewHost("a", ("db",), {"x": 2}),)))
    host = live.host("a")
    assert set(host.groups) >= {"web", "db", "both"}
    assert InventoryLayer(host, Trusted())["x"] == 2


def test_variables_of_new_hosts_are_data(inventory: Inventory) -> None:
    live = settled(inventory, ended(new_hosts=(NewHost("d", (), {"v": "{{ x }}"}),)))
    assert type(InventoryLayer(live.host("d"), Trusted())["v"]) is str
    assert type(InventoryLayer(live.host("a"), Trusted())["t"]) is Template


def test_group_by_gives_the_variables_of_the_group(inventory: Inventory) -> None:
    live = settled(inventory, ended("c", groups=(GroupBy("new", ("up",)),)))
    assert live.groups()["new"] == live.groups()["up"] == ["c"]
    assert InventoryLayer(live.host("c"), Trusted())["n"] == "of the group"


def test_it_is_made_anew_once_behind_the_task(inventory: Inventory) -> None:
    live = LiveInventory(inventory)
    before = live.now
    for host in "abc":
        live.fold(ended(host, groups=(GroupBy("new"),)))
        live.settle("t")
        assert live.now is before
    live.settle("the next")
    after = live.now
    assert live.groups()["new"] == ["a", "b", "c"]
    live.settle("one more")
    assert live.now is after


def test_membership_is_of_what_was_settled(inventory: Inventory) -> None:
    live = LiveInventory(inventory)
    assert live.is_member("a", "web")
    assert live.is_member("a", "both")
    assert live.is_member("a", "all")
    assert not live.is_member("nobody", "all")
    live.fold(ended("a", groups=(GroupBy("new"),)))
    assert not live.is_member("a", "new")
    live.settle()
    assert live.is_member("a", "new")


@pytest.mark.parametrize(
    "message",
    [
        ended(new_hosts=(NewHost("a b"),)),
        ended(groups=(GroupBy("both", ("web",)),)),
    ],
)
def test_what_can_not_be_added(inventory: Inventory, message: TaskEnded) -> None:
    live = LiveInventory(inventory)
    with pytest.raises(PatternError):
        live.fold(message)


def test_a_name_that_only_a_task_knows(inventory: Inventory) -> None:
    live = LiveInventory(inventory)
    host = live.host("delegate.example")
    assert host.name == "delegate.example"
    assert live.host("delegate.example") is host
    assert "delegate.example" not in live.groups()["all"]


def test_hosts_of_a_play_are_in_the_order_of_the_pattern(inventory: Inventory) -> None:
    ignored: list[str] = []
    found = inventory.chosen("db:web:nobody", "a:c", lambda error: ignored.append(str(error)))
    assert [host.name for host in found] == ["c", "a"]
    assert len(ignored) == 1
    assert "nobody" in ignored[0]
    with pytest.raises(PatternError, match="nobody"):
        inventory.chosen("all", "nobody", lambda error: None)
    assert inventory.chosen("nobody", None, lambda error: None) == ()


def test_variables_beside_the_playbook(inventory: Inventory, tmp_path: Path) -> None:
    (tmp_path / "site/group_vars").mkdir(parents=True)
    (tmp_path / "site/group_vars/db.yml").write_text("beside: yes\n")
    more = inventory.beside([str(tmp_path / "site")])
    assert "beside" in more.hosts["c"].variables
    assert "beside" not in inventory.hosts["c"].variables


# -- layers


def test_the_first_layer_that_has_it_wins() -> None:
    layers = Layers([{"a": 1}, {"a": 2, "b": None}, {"b": 3, "c": 4}])
    assert dict(layers) == {"a": 1, "b": None, "c": 4}
    assert len(layers) == 3
    assert layers.over({"c": 5})["c"] == 5
    assert layers["c"] == 4
    with pytest.raises(KeyError):
        layers["d"]


def test_what_is_computed_is_computed_once_and_only_if_asked_for() -> None:
    asked: list[str] = []
    computed = Computed({"a": lambda: asked.append("a") or 1, "b": lambda: asked.append("b")})  # type: ignore[func-returns-value]
    assert set(computed) == {"a", "b"}
    assert asked == []
    assert computed["a"] == computed["a"] == 1
    assert asked == ["a"]


def test_a_scripts_variables_are_no_templates(tmp_path: Path) -> None:
    listing = {"_meta": {"hostvars": {"h": {"v": "{{ x }}"}}}, "all": {"hosts": ["h"]}}
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(listing)}\nEND\n")
    script.chmod(0o755)
    live = LiveInventory(load_inventory([str(script)]))
    assert type(InventoryLayer(live.host("h"), Trusted())["v"]) is str
