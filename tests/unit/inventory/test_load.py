"""Sources: how each is recognised, what is refused, and what is found with none."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from support.vaults import VAULT, envelope

from opsrun.errors import InventoryError, NotBuiltError
from opsrun.inventory import load_inventory


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def names(folder: Path, *sources: str, **more: object) -> list[str]:
    return list(load_inventory(sources, cwd=str(folder), env={}, **more).hosts)  # type: ignore[arg-type]


def refusal(folder: Path, *sources: str) -> InventoryError:
    with pytest.raises(InventoryError) as caught:
        load_inventory(sources, cwd=str(folder), env={})
    return caught.value


def test_without_a_source_the_variable_counts_and_then_the_folder(tmp_path: Path) -> None:
    write(tmp_path, inventories__hosts="dflt\n", a_dot_ini="a1\n", b_dot_ini="b1\n")

    def found(value: str | None) -> list[str]:
        env = {} if value is None else {"OPSRUN_INVENTORY": value}
        return list(load_inventory(cwd=str(tmp_path), env=env).hosts)

    assert found(None) == ["dflt"]
    assert found("") == ["dflt"]
    assert found("a.ini, b.ini") == ["a1", "b1"]
    assert found("x1,x2,") == ["x1", "x2"]


def test_without_any_source_one_is_told_what_to_do(tmp_path: Path) -> None:
    error = refusal(tmp_path)
    assert "-i" in error.message
    assert "OPSRUN_INVENTORY" in error.message
    assert "inventories/" in error.message


def test_the_environment_is_the_process_s_where_none_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPSRUN_INVENTORY", "e1,")
    monkeypatch.chdir(tmp_path)
    assert list(load_inventory().hosts) == ["e1"]


def test_a_missing_file_is_an_error_with_the_nearest_name(tmp_path: Path) -> None:
    write(tmp_path, sub__hosts_dot_ini="a\n")
    assert "did you mean 'hosts.ini'?" in refusal(tmp_path, "sub/host.ini").message
    assert "-i web1," in refusal(tmp_path, "web1").message


def test_a_folder_of_sources_skips_what_ansible_skips(tmp_path: Path) -> None:
    write(tmp_path, inv__b="b1\n", inv__a="a1\n", inv__c_dot_ini="no\n", inv__README_dot_md="no\n")
    assert names(tmp_path, "inv") == ["a1", "b1"]


def test_a_folder_that_contains_itself_ends_in_an_error(tmp_path: Path) -> None:
    (tmp_path / "inv").mkdir()
    (tmp_path / "inv" / "loop").symlink_to(tmp_path / "inv")
    assert "nested more than" in refusal(tmp_path, "inv").message


def test_host_lists_may_hold_node_sets_and_ports(tmp_path: Path) -> None:
    inventory = load_inventory(["web[1,3], db[1:2]:2200,"], cwd=str(tmp_path), env={})
    assert list(inventory.hosts) == ["web1", "web3", "db1", "db2"]
    assert inventory.hosts["db2"].variables["ansible_port"] == 2200
    assert "begin with a dash" in refusal(tmp_path, "a,-oProxyCommand=x").message


def test_hostfiles_hold_names_node_sets_and_comments(tmp_path: Path) -> None:
    write(tmp_path, hosts="# all\nweb[01-02]  # two\n\ndb1, db2:2200\n")
    inventory = load_inventory([], hostfiles=["hosts"], cwd=str(tmp_path), env={})
    assert list(inventory.hosts) == ["web01", "web02", "db1", "db2"]
    origin = inventory.hosts["db2"].explain("ansible_port")[0].origin
    assert (str(origin), origin.column, origin.kind) == ("hosts:4", 6, "hostfile")


def test_a_hostfile_may_be_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("h[1-2]\n\x1b[2J\n"))
    with pytest.raises(InventoryError) as caught:
        load_inventory([], hostfiles=["-"], env={})
    assert str(caught.value).startswith("<stdin>:2:1: ")


def test_sources_and_hostfiles_go_together(tmp_path: Path) -> None:
    write(tmp_path, hosts="h1\n", more="h1\nh2\n", group_vars__all="x: 1\n")
    inventory = load_inventory(["hosts"], hostfiles=["more"], cwd=str(tmp_path), env={})
    assert [host.variables["x"] for host in inventory.hosts.values()] == [1, 1]


@pytest.mark.parametrize(
    "text",
    ["web[01:02] x='a\nb'", "a\x00b", "a\x1b[2J", "b\u202ec", "-oProxyCommand=x", "é\u2028x"],
)
def test_hostile_names_are_refused_in_every_kind_of_source(tmp_path: Path, text: str) -> None:
    write(tmp_path, hosts_dot_ini=f"ok\n{text}\n")
    error = refusal(tmp_path, "hosts.ini")
    assert error.line == 2
    assert "\x1b" not in error.message


def test_node_sets_stand_in_sources_too(tmp_path: Path) -> None:
    write(tmp_path, a_dot_ini="web[01-03] x=1\n", b_dot_yml='all: {hosts: {"db[1,3]": }}\n')
    assert names(tmp_path, "a.ini", "b.yml") == ["web01", "web02", "web03", "db1", "db3"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("aws.yml", "plugin: amazon.aws.aws_ec2\nregions: [x]\n", "'amazon.aws.aws_ec2'"),
        ("hosts.toml", "[web]\n", "TOML"),
    ],
)
def test_what_is_not_built_is_refused_by_name(
    tmp_path: Path, name: str, text: str, words: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(NotBuiltError) as caught:
        load_inventory([name], cwd=str(tmp_path), env={})
    assert words in str(caught.value)
    assert str(caught.value).startswith(f"{name}: ")


def test_a_group_may_be_called_plugin(tmp_path: Path) -> None:
    write(tmp_path, hosts_dot_yml="plugin: {hosts: {p1: }}\n")
    assert names(tmp_path, "hosts.yml") == ["p1"]


def test_bytes_that_are_no_utf_8_are_told_by_line(tmp_path: Path) -> None:
    (tmp_path / "hosts.ini").write_bytes(b"ok\nb\xe9d\n")
    error = refusal(tmp_path, "hosts.ini")
    assert str(error) == "hosts.ini:2:2: not UTF-8: byte 0xe9"


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    (tmp_path / "hosts.ini").write_bytes(b"\xef\xbb\xbfh1\n")
    assert names(tmp_path, "hosts.ini") == ["h1"]


def test_an_unreadable_source_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "inv").mkdir()
    (tmp_path / "inv" / "gone").symlink_to(tmp_path / "nowhere")
    assert "No such file" in refusal(tmp_path, "inv").message


def test_broken_files_without_an_extension_are_judged_by_their_looks(tmp_path: Path) -> None:
    write(tmp_path, a="---\nweb:\n  hosts: [1\n", b="[web]\nh foo\n")
    assert "broken YAML" in refusal(tmp_path, "a").message
    assert "name=value" in refusal(tmp_path, "b").message


def test_an_executable_file_that_is_no_program_is_read(tmp_path: Path) -> None:
    write(tmp_path, hosts="h1\n")
    (tmp_path / "hosts").chmod(0o755)
    inventory = load_inventory(["hosts"], cwd=str(tmp_path), env={})
    assert list(inventory.hosts) == ["h1"]
    assert "executable" in str(inventory.warnings[0])


def test_ignored_sections_are_warnings_with_the_nearest_name(tmp_path: Path) -> None:
    write(tmp_path, hosts_dot_yml="web:\n  hosts: {h: }\n  var: {x: 1}\n")
    inventory = load_inventory(["hosts.yml"], cwd=str(tmp_path), env={})
    (warning,) = inventory.warnings
    assert str(warning).startswith("hosts.yml:3: 'var' in the group 'web' is ignored")
    assert "did you mean 'vars'?" in warning.message


def test_a_variable_s_name_must_be_text(tmp_path: Path) -> None:
    write(tmp_path, hosts_dot_yml="web:\n  vars:\n    yes: 1\n")
    error = refusal(tmp_path, "hosts.yml")
    assert (error.line, error.column) == (3, 5)


def test_a_priority_must_be_a_number(tmp_path: Path) -> None:
    write(tmp_path, hosts_dot_ini="[web]\n[web:vars]\nansible_group_priority=high\n")
    assert refusal(tmp_path, "hosts.ini").line == 3


def test_the_worked_example_is_read_when_named_and_only_then() -> None:
    root = str(Path(__file__).parents[3])
    example = load_inventory(["inventories/example.ini"], cwd=root, env={})
    variables = example.hosts["web07.example.invalid"].variables
    assert (variables["workers"], variables["ports"]) == (4, [80, 443])
    assert len(example) == 24
    assert "db-a.example.invalid" not in load_inventory(cwd=root, env={}).hosts


def test_a_hostfile_adds_to_the_default_inventory(tmp_path: Path) -> None:
    (tmp_path / "inventories").mkdir()
    (tmp_path / "inventories" / "lab").write_text("web01 ansible_host=127.0.0.9\n")
    (tmp_path / "failed.txt").write_text("web01\nnew01\n")
    inventory = load_inventory([], hostfiles=["failed.txt"], cwd=str(tmp_path), env={})
    assert inventory.host("web01").variables["ansible_host"] == "127.0.0.9"
    assert list(inventory.hosts) == ["web01", "new01"]


@pytest.mark.parametrize(
    ("name", "text"),
    [("hosts.yml", "all:\n  hosts:\n    h: {x: 1}\n"), ("hosts", "h x=1\n")],
)
def test_encrypted_sources_need_their_secret(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(envelope(text))
    found = load_inventory([name], cwd=str(tmp_path), env={}, vault=VAULT)
    assert found.hosts["h"].variables["x"] == 1
    with pytest.raises(InventoryError, match=f"^{name}: this file is encrypted .*no secret"):
        load_inventory([name], cwd=str(tmp_path), env={})
