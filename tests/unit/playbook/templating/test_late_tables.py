"""Filters, tests and lookups are imported when they are asked for, and all are found."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Mapping

import pytest

from opsrun.playbook.templating import index, jinja_names
from opsrun.playbook.templating.library import Library, Plugins
from opsrun.playbook.templating.tables import Late

_ROOM = "opsrun.playbook.templating"


def _modules(package: str) -> list[str]:
    found = importlib.import_module(f"{_ROOM}.{package}").__path__
    return sorted(each.name for each in pkgutil.iter_modules(found))


@pytest.mark.parametrize(
    ("package", "attribute", "listed"),
    [
        ("filters", "FILTERS", index.FILTERS),
        ("tests", "TESTS", index.TESTS),
        ("lookups", "LOOKUPS", index.LOOKUPS),
    ],
)
def test_the_index_is_what_the_modules_have(
    package: str, attribute: str, listed: Mapping[str, str]
) -> None:
    tables = {
        name: " ".join(getattr(importlib.import_module(f"{_ROOM}.{package}.{name}"), attribute, {}))
        for name in _modules(package)
    }
    assert dict(listed) == {name: names for name, names in tables.items() if names}
    every = " ".join(listed.values()).split()
    assert len(every) == len(set(every)), "one name in two modules"


@pytest.mark.parametrize("kind", ["filters", "tests", "lookups"])
def test_every_name_gives_its_function(kind: str) -> None:
    plugins: Plugins = getattr(Library.standard(), kind)
    assert len(plugins.table) == len(list(plugins.table))
    for name in plugins.table:
        function = plugins.get(name)
        assert callable(function), name
        assert plugins.table[name] is function
        assert plugins.get(name.rpartition(".")[2]) is not None


def test_ours_win_over_jinjas() -> None:
    table = Library.standard().filters.table
    assert table["upper"] is jinja_names.FILTERS["upper"]
    assert table["random"].__module__ == f"{_ROOM}.filters.chance"


def test_a_name_that_is_not_there() -> None:
    table = Late({"near": len}, f"{_ROOM}.filters", "FILTERS", {"merging": "combine"})
    assert list(table) == ["near", "combine"]
    assert "combine" in table
    assert "other" not in table
    assert table.get("other") is None
    with pytest.raises(KeyError):
        _ = table["other"]


def test_more_of_them_win_and_leave_the_rest() -> None:
    library = Library.standard().extended(filters={"combine": len, "community.general.mine": max})
    assert library.filters.get("combine") is len
    assert library.filters.get("mine") is max
    assert library.filters.get("to_json") is Library.standard().filters.get("to_json")


def test_asking_for_one_imports_its_module_alone() -> None:
    code = (
        "import sys\n"
        f"from {_ROOM}.library import Library\n"
        "library = Library.standard()\n"
        f"ours = '{_ROOM}.filters.', '{_ROOM}.tests.', '{_ROOM}.lookups.'\n"
        "count = lambda: sorted(each for each in sys.modules if each.startswith(ours))\n"
        "assert count() == [], count()\n"
        "assert library.filters.get('nothing') is None and count() == []\n"
        "library.filters.get('checksum')\n"
        "print(' '.join(each.rpartition('.')[2] for each in count()))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["hashing", "values"]
