"""Many names asked for at once: the answer is that of asking for each."""

from __future__ import annotations

from collections import ChainMap
from pathlib import Path

from opsrun.inventory import load_inventory
from opsrun.playbook.runner.wishes import CONNECTION_VARIABLES
from opsrun.playbook.variables.layers import Computed, InventoryLayer, Layers, Trusted


def test_names_that_are_there_are_those_that_are_in_some_layer(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("[web]\nh ansible_host=a own=1\n[web:vars]\nansible_port=1\n")
    host = load_inventory([str(tmp_path / "hosts")]).host("h")
    layers = Layers(
        [
            Computed({"ansible_user": lambda: 1 / 0, "made": lambda: 1 / 0}),
            {"ansible_become": True, "ansible_host": "b"},
            {},
            ChainMap({"ansible_timeout": 1}, {"ansible_connection": "ssh"}),
            InventoryLayer(host, Trusted()),
        ]
    )
    whole = layers.over({"ansible_ssh_args": ""}).before({"ansible_become_user": "u"})
    for names in (CONNECTION_VARIABLES, ("own", "made", "none"), ()):
        asked = {name for name in names if name in whole}
        assert whole.there(frozenset(names)) == asked
        assert len(asked) == {len(CONNECTION_VARIABLES): 8, 3: 2, 0: 0}[len(names)]
