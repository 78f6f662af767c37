"""Variables that hold conditions: read as such where the operator wrote them, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from opsrun.dialect.origin import Origin
from opsrun.dialect.tags import Opened, Template, Unsafe, trusted
from opsrun.errors import TemplateError
from opsrun.inventory import load_inventory
from opsrun.playbook.templating.library import Library
from opsrun.playbook.templating.templar import Templar
from opsrun.playbook.variables.layers import InventoryLayer, Layers, Trusted

PLACE = Origin("play.yml", 3, 5)
FILE: dict[str, Any] = {
    "x": 1,
    "yes": "x == 1",
    "no": "x == 2",
    "deep": {"a": {"no": "x == 2"}, "list": ["x == 1"]},
    "chain": "{{ no }}",
    "pasted": "{{ x }} == 2",
    "lists": ["x == 1", "{{ x }} == 2"],
    "made": "{{ [yes, no] }}",
    "unsafe": Unsafe("x == 1"),
    "opened": Opened("x == 1"),
    "told": "{{ said }}",
    "computed": "{{ said.deep }}",
    "both": "x == 1",
}
HOST: dict[str, Any] = {"said": "x == 1", "both": "x == 1", "deep_said": {"a": "x == 1"}}


@pytest.fixture
def seeing() -> Templar:
    file = trusted(FILE, PLACE)
    return Templar(Layers([HOST, file], lambda: [file]), Library.standard())


def test_texts_of_files_are_conditions(seeing: Templar) -> None:
    found = {
        name: seeing.condition(Template(f"{{{{ {name} }}}}", PLACE))
        for name in ("yes", "no", "deep.a.no", "chain", "pasted")
    }
    assert found == {"yes": True, "no": False, "deep.a.no": False, "chain": False, "pasted": False}


@pytest.mark.parametrize(
    "name",
    ["said", "told", "both", "deep_said.a", "unsafe", "opened", "yes | trim", "[no] | first"],
)
def test_any_other_text_is_none(seeing: Templar, name: str) -> None:
    with pytest.raises(TemplateError, match="a text is never read as a condition"):
        seeing.condition(Template(f"{{{{ {name} }}}}", PLACE))


def test_stronger_variables_hide_them(seeing: Templar) -> None:
    stronger = seeing.with_variables({"no": "x == 2"})
    with pytest.raises(TemplateError, match="a text is never read as a condition"):
        stronger.condition(Template("{{ no }}", PLACE))
    assert stronger.condition(Template("{{ yes }}", PLACE))


def test_lists_are_given_as_they_stand(seeing: Templar) -> None:
    found = seeing.as_written(Template("{{ lists }}", PLACE))
    assert found == ["x == 1", "{{ x }} == 2"]
    assert isinstance(found[1], Template)
    assert seeing.as_written(Template("{{ deep.list }}", PLACE)) == ["x == 1"]
    for other in ("{{ said }}", "{{ lists + lists }}", "{{ lists }} ", "{{ deep_said.a }}", "x"):
        expected = FILE["lists"] if other == "{{ lists }} " else None
        assert seeing.as_written(Template(other, PLACE)) == expected


def test_inventories_that_programs_print_are_data(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("a cond='x == 1'\n")
    (tmp_path / "program").write_text("""#!/bin/sh
echo '{"_meta": {"hostvars": {"b": {"cond": "x == 1"}}}, "g": ["b"]}'
""")
    (tmp_path / "program").chmod(0o755)
    inventory = load_inventory([str(tmp_path / name) for name in ("hosts", "program")])
    layers = {name: Layers([InventoryLayer(inventory.host(name), Trusted())]) for name in "ab"}
    assert {name: layer["cond"] for name, layer in layers.items()} == dict.fromkeys("ab", "x == 1")
    assert layers["a"].written("cond") == "x == 1"
    assert layers["b"].written("cond") is None
