"""``opsrun inventory`` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from opsrun.cli.inventory import inventory
from opsrun.errors import InventoryError, OpsrunError, PatternError, UsageError

HOSTS = """\
[web]
web[01:03] x=1
[db]
db1 ansible_password=hunter2
[web:vars]
x=0
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "inventories").mkdir()
    (tmp_path / "inventories" / "hosts").write_text(HOSTS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPSRUN_INVENTORY", raising=False)
    return tmp_path


def run(*args: str, stdin: str = "") -> str:
    result = call(*args, stdin=stdin)
    assert result.exception is None, result.output
    return result.stdout


def call(*args: str, stdin: str = "") -> Result:
    return CliRunner().invoke(inventory, args, input=stdin)


def failure(*args: str) -> OpsrunError:
    error = call(*args).exception
    assert isinstance(error, OpsrunError)
    return error


def test_list_prints_json(folder: Path) -> None:
    found = json.loads(run("list"))
    assert found["web"]["hosts"] == ["web01", "web02", "web03"]
    assert found["_meta"]["hostvars"]["web02"] == {"x": 1}
    assert found["_meta"]["hostvars"]["db1"] == {"ansible_password": "hunter2"}


def test_list_is_narrowed_by_pattern_and_limit(folder: Path) -> None:
    assert json.loads(run("list", "web:!web01"))["web"]["hosts"] == ["web02", "web03"]
    found = json.loads(run("list", "web", "-l", "web03"))
    assert found["web"]["hosts"] == ["web03"]
    assert list(found["_meta"]["hostvars"]) == ["web03"]


def test_list_prints_yaml(folder: Path) -> None:
    assert "web:\n  hosts:\n  - web01\n" in run("list", "--yaml")


def test_graph_is_a_tree(folder: Path) -> None:
    assert run("graph", "web") == "@web:\n  |--web01\n  |--web02\n  |--web03\n"
    assert run("graph", "-l", "db").splitlines() == [
        "@all:",
        "  |--@ungrouped:",
        "  |--@web:",
        "  |--@db:",
        "  |  |--db1",
    ]
    shown = run("graph", "--vars")
    assert "{ansible_password = ********}" in shown
    assert "did you mean 'web'?" in str(failure("graph", "wbe"))


def test_host_prints_its_variables(folder: Path) -> None:
    assert json.loads(run("host", "web01")) == {"x": 1}
    assert json.loads(run("host", "localhost")) == {"ansible_connection": "local"}
    assert "did you mean 'db1'?" in str(failure("host", "bd1"))
    assert isinstance(failure("host", "web01", "-l", "db"), UsageError)


def test_explain_tells_where_a_value_is_from(folder: Path) -> None:
    assert run("explain", "web01", "x").splitlines() == [
        "x = 1",
        "  from host web01 (inventories/hosts:2)",
        "  overrode 0 from group web (inventories/hosts:6)",
    ]
    assert "hunter2" not in run("explain", "db1")
    assert isinstance(failure("explain", "db1", "nope"), PatternError)


def test_expand_prints_names(folder: Path) -> None:
    assert run("expand", "web[01-02]:db") == "web01\nweb02\ndb1\n"
    assert run("expand", "web", "-S", ",") == "web01,web02,web03\n"
    assert run("expand", "web", "-S", "\\t") == "web01\tweb02\tweb03\n"
    assert run("expand", "-", stdin="db1 # down\nweb03\n") == "web03\ndb1\n"


def test_fold_shortens_names_without_an_inventory(folder: Path) -> None:
    assert run("fold", "a1", "a2,a3", "b[7-9]") == "a[1-3],b[7-9]\n"
    assert run("fold", "-", stdin="n01 n02\n# no\nn03\n") == "n[01-03]\n"
    assert isinstance(failure("fold", "a[1-"), UsageError)
    assert isinstance(failure("fold", "a\x1b"), UsageError)


def test_fold_shortens_hosts_of_the_inventory(folder: Path) -> None:
    assert run("fold") == "db1,web[01-03]\n"
    assert run("fold", "-l", "web") == "web[01-03]\n"
    assert run("fold", "web", "-i", "inventories", "-l", "!web02") == "web[01,03]\n"


def test_count_counts(folder: Path) -> None:
    assert run("count", "all") == "4\n"
    assert run("count", "all", "-l", "web:&web*") == "3\n"
    assert isinstance(failure("count", "all:!all"), PatternError)


def test_sources_and_hostfiles_may_be_repeated(folder: Path) -> None:
    (folder / "more.txt").write_text("m[1-2]\n")
    assert run("fold", "-i", "a,", "-i", "b,", "--hostfile", "more.txt") == "a,b,m[1-2]\n"
    assert run("count", "all", "--hostfile", "-", stdin="x\ny\n") == "6\n"


def test_warnings_go_to_standard_error(folder: Path) -> None:
    (folder / "w.yml").write_text("web:\n  hosts: {h: }\n  vars: {a: 1, a: 2}\n")
    result = call("list", "-i", "w.yml")
    assert json.loads(result.stdout)["_meta"]["hostvars"]["h"] == {"a": 2}
    assert "opsrun: warning: w.yml:3: the key 'a'" in result.stderr


def test_a_bad_file_is_one_error(folder: Path) -> None:
    (folder / "bad.ini").write_text("h x\n")
    error = failure("list", "-i", "bad.ini")
    assert isinstance(error, InventoryError)
    assert str(error).startswith("bad.ini:1:3: ")
