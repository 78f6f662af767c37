"""Every case inventory, beside what Ansible was recorded to make of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from opsrun.errors import InventoryError
from opsrun.inventory import Inventory, load_inventory
from opsrun.inventory.export import graph_lines, host_data, list_data, to_json

CASES = sorted(path.parent for path in (Path(__file__).parent / "cases").glob("*/case.json"))


def about(case: Path) -> dict[str, Any]:
    found = json.loads((case / "case.json").read_text())
    assert isinstance(found, dict)
    return found


ACCEPTED = [case for case in CASES if "error" not in about(case)]
REFUSED = [case for case in CASES if "error" in about(case)]
PATTERNS = [case for case in ACCEPTED if "patterns" in about(case)]


def option(case: Path, name: str) -> str | None:
    options = about(case).get("options", [])
    return options[options.index(name) + 1] if name in options else None


def load(case: Path) -> Inventory:
    return load_inventory(
        about(case)["sources"], cwd=str(case), env={}, playbook_dir=option(case, "--playbook-dir")
    )


def shown(case: Path, inventory: Inventory) -> list[str] | None:
    limit = option(case, "-l")
    return None if limit is None else [host.name for host in inventory.select(limit)]


def recorded(case: Path, name: str) -> str:
    return (case / "expected" / name).read_text()


def test_there_are_enough_cases() -> None:
    assert len(ACCEPTED) >= 25
    assert len(REFUSED) >= 25


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.name)
def test_list_is_printed_as_by_ansible(case: Path) -> None:
    inventory = load(case)
    data = list_data(inventory, shown(case, inventory))
    assert to_json(data) + "\n" == recorded(case, "list.json")


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.name)
def test_graph_is_printed_as_by_ansible(case: Path) -> None:
    assert "\n".join(graph_lines(load(case))) + "\n" == recorded(case, "graph.txt")


@pytest.mark.parametrize(
    "case",
    [case for case in ACCEPTED if (case / "expected" / "graph_vars.txt").exists()],
    ids=lambda case: case.name,
)
def test_graph_with_variables_is_printed_as_by_ansible(case: Path) -> None:
    lines = graph_lines(load(case), show_vars=True)
    assert "\n".join(lines) + "\n" == recorded(case, "graph_vars.txt")


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.name)
def test_one_host_is_what_the_list_says_of_it(case: Path) -> None:
    inventory = load(case)
    hostvars = json.loads(recorded(case, "list.json"))["_meta"]["hostvars"]
    chosen = shown(case, inventory) or inventory.hosts
    found = {name: host_data(inventory.host(name)) for name in chosen}
    filled = {name: values for name, values in found.items() if values}
    assert to_json(filled) == to_json(hostvars)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_what_is_wrong_is_refused_at_its_place(case: Path) -> None:
    with pytest.raises(InventoryError) as caught:
        load(case)
    assert about(case)["error"] in caught.value.message
    assert caught.value.line == about(case)["line"]
    assert caught.value.path == about(case)["sources"][0]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_what_is_refused_ansible_refuses_too(case: Path) -> None:
    refused = (case / "expected" / "refused").exists()
    assert refused is not about(case).get("stricter", False)


@pytest.mark.parametrize("case", PATTERNS, ids=lambda case: case.name)
def test_patterns_select_what_ansible_selects_in_its_order(case: Path) -> None:
    inventory = load(case)
    table = json.loads(recorded(case, "patterns.json"))
    found = {p: [h.name for h in inventory.select(p, order="pattern")] for p in table}
    assert found == table


def test_records_hold_no_path_of_the_machine_that_made_them() -> None:
    records = [path for case in CASES for path in (case / "expected").iterdir()]
    assert records
    assert not [path for path in records if "/tmp" in path.read_text()]
