"""Hosts and their variables: origins, what was overridden, what is shared, what is selected."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.vaults import VAULT, envelope, tagged

from opsrun.dialect.tags import Unsafe
from opsrun.errors import InventoryError, PatternError
from opsrun.inventory import Inventory, load_inventory
from opsrun.inventory.export import explain_lines, graph_lines, is_secret, list_data, printable
from opsrun.secret import Secret
from opsrun.vault.cipher import Keys, derive
from opsrun.vault.vault import Vault

HOSTS = """\
lone
[web]
web[1:3] x=host
[db]
db1
web1
[prod:children]
web
[web:vars]
x=group
only=web
only=web2
ansible_password=hunter2
"""


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    (tmp_path / "hosts.ini").write_text(HOSTS)
    for folder, name, text in (
        ("group_vars", "all.yml", "x: all\n"),
        ("group_vars", "web.yml", "# one\nx: file\n"),
        ("host_vars", "web1.yml", "\nx: own\n"),
    ):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).write_text(text)
    return load_inventory(["hosts.ini"], cwd=str(tmp_path), env={})


def test_every_value_keeps_its_origin_and_what_it_overrode(inventory: Inventory) -> None:
    history = [
        (str(origin), value, where) for origin, value, where in inventory.hosts["web1"].explain("x")
    ]
    assert history == [
        ("host_vars/web1.yml:2", "own", "host_vars web1"),
        ("hosts.ini:3", "host", "host web1"),
        ("group_vars/web.yml:2", "file", "group_vars web"),
        ("group_vars/all.yml:1", "all", "group_vars all"),
        ("hosts.ini:10", "group", "group web"),
    ]
    assert inventory.hosts["web1"].explain("nope") == []


def test_origins_have_columns_and_trust(inventory: Inventory) -> None:
    origin = inventory.hosts["web2"].explain("x")[0].origin
    assert (origin.line, origin.column, origin.kind, origin.trusted) == (3, 10, "ini", True)


def test_a_value_that_the_same_section_overrode_is_kept(inventory: Inventory) -> None:
    found = inventory.hosts["web3"].explain("only")
    assert [(entry.value, entry.origin.line) for entry in found] == [("web2", 12), ("web", 11)]


def test_explain_shows_it_all_and_masks_passwords(inventory: Inventory) -> None:
    assert explain_lines(inventory.hosts["web2"], "only") == [
        'only = "web2"',
        "  from group web (hosts.ini:12)",
        '  overrode "web" from group web (hosts.ini:11)',
    ]
    assert explain_lines(inventory.hosts["web2"], "ansible_password")[0] == (
        "ansible_password = ********"
    )
    with pytest.raises(PatternError, match="did you mean 'only'"):
        explain_lines(inventory.hosts["web2"], "onyl")


def test_the_graph_masks_passwords(inventory: Inventory) -> None:
    text = "\n".join(graph_lines(inventory, show_vars=True))
    assert "{ansible_password = ********}" in text
    assert "hunter2" not in text


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("ansible_password", True),
        ("ansible_ssh_pass", True),
        ("ansible_become_password", True),
        ("ansible_ssh_private_key_passphrase", True),
        ("db_pass", True),
        ("compass", False),
        ("ansible_user", False),
        ("password_file", False),
    ],
)
def test_which_variables_are_secrets(name: str, verdict: bool) -> None:
    assert is_secret(name) is verdict


def test_output_can_not_steer_a_terminal() -> None:
    assert printable("a\x1b[2J\nb\u202e\x9bé") == "a\\x1b[2J\\nb\\u202e\\x9bé"


def test_hosts_of_one_line_and_one_group_share_their_values(inventory: Inventory) -> None:
    web2, web3 = inventory.hosts["web2"], inventory.hosts["web3"]
    assert web2.own is web3.own
    assert web2.groups is web3.groups
    assert web2.variables.value("x") is web3.variables.value("x")
    assert web2.variables is web2.variables


def test_variables_are_a_mapping(inventory: Inventory) -> None:
    variables = inventory.hosts["web1"].variables
    assert sorted(variables) == ["ansible_password", "only", "x"]
    assert len(variables) == 3
    assert dict(variables)["x"] == "own"
    assert variables.get("nope") is None
    with pytest.raises(KeyError):
        variables["nope"]


def test_groups_of_a_host_are_all_above_it(inventory: Inventory) -> None:
    assert inventory.hosts["web1"].groups == ("db", "prod", "web")
    assert inventory.hosts["lone"].groups == ("ungrouped",)
    assert inventory.groups["web"].parents == ("prod",)
    assert inventory.groups["web"].depth == 2


def test_hosts_come_in_the_order_of_the_sources(inventory: Inventory) -> None:
    assert list(inventory.hosts) == ["lone", "web1", "web2", "web3", "db1"]
    assert [host.name for host in inventory.select("db:lone:web3")] == [
        "lone",
        "web1",
        "web3",
        "db1",
    ]


def selected(inventory: Inventory, pattern: str, **more: str) -> list[str]:
    return [host.name for host in inventory.select(pattern, **more)]  # type: ignore[arg-type]


def test_selections_are_narrowed(inventory: Inventory) -> None:
    assert selected(inventory, "all", limit="web") == ["web1", "web2", "web3"]
    assert selected(inventory, "web", exclude="web[0]") == ["web2", "web3"]
    assert selected(inventory, "all", groups="db,ungrouped") == ["lone", "web1", "db1"]
    assert selected(inventory, "all", groups="@db") == ["web1", "db1"]
    assert selected(inventory, "all", exclude_groups="prod") == ["lone", "db1"]


@pytest.mark.parametrize(
    ("pattern", "more", "words"),
    [
        ("lone:!lone", {}, "selects no host"),
        ("web", {"limit": "lone"}, "the limit 'lone' leaves none of the 3 hosts of 'web'"),
        ("web", {"exclude": "all"}, "excluding 'all' leaves none"),
        ("web", {"groups": "dbb"}, "no group is named 'dbb'; did you mean 'db'?"),
        ("web", {"groups": "web1"}, "no group is named 'web1'"),
        ("web", {"exclude_groups": "prod"}, "excluding the group 'prod' leaves none"),
        ("web", {"limit": "wbe1"}, "did you mean 'web1'?"),
    ],
)
def test_a_selection_of_nothing_is_an_error(
    inventory: Inventory, pattern: str, more: dict[str, str], words: str
) -> None:
    with pytest.raises(PatternError) as caught:
        inventory.select(pattern, **more)  # type: ignore[arg-type]
    assert words in str(caught.value)


def test_localhost_is_there_without_being_listed(inventory: Inventory) -> None:
    (host,) = inventory.select("localhost")
    assert host.implicit
    assert host.variables["ansible_connection"] == "local"
    assert host.variables["x"] == "all"
    assert selected(inventory, "localhost,lone") == ["lone", "localhost"]
    assert "localhost" not in selected(inventory, "all")


def test_a_listed_localhost_is_a_host_like_any_other(tmp_path: Path) -> None:
    inventory = load_inventory(["localhost,"], cwd=str(tmp_path), env={})
    (host,) = inventory.select("localhost")
    assert not host.implicit
    assert "ansible_connection" not in host.variables


def test_a_limit_may_be_a_file(inventory: Inventory, tmp_path: Path) -> None:
    (tmp_path / "failed.txt").write_text("web[1-2]\ndb1 # down\n")
    assert selected(inventory, "all", limit="@failed.txt") == ["web1", "web2", "db1"]
    assert selected(inventory, "web:!^failed.txt") == ["web3"]
    with pytest.raises(PatternError, match=r"there is no file 'nope\.txt'"):
        inventory.select("all", limit="@nope.txt")


def test_broken_vars_files_are_told_when_they_are_needed(
    inventory: Inventory, tmp_path: Path
) -> None:
    (tmp_path / "host_vars" / "db1.yml").write_text("a: [1\n")
    (tmp_path / "host_vars" / "web2.yml").write_text("- a\n")
    (tmp_path / "host_vars" / "web3.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\n61\n")
    with pytest.raises(InventoryError, match=r"host_vars/db1\.yml:2:1: broken YAML"):
        dict(inventory.hosts["db1"].variables)
    with pytest.raises(InventoryError, match=r"host_vars/web2\.yml: expected `name: value`"):
        dict(inventory.hosts["web2"].variables)
    with pytest.raises(InventoryError, match=r"host_vars/web3\.yml:2: this file is encrypted"):
        dict(inventory.hosts["web3"].variables)
    assert inventory.hosts["web1"].variables["x"] == "own"


def test_an_encrypted_value_is_an_error_when_it_is_read(
    inventory: Inventory, tmp_path: Path
) -> None:
    text = "ok: 1\nkey: !vault |\n  $ANSIBLE_VAULT;1.1\n"
    (tmp_path / "host_vars" / "db1.yml").write_text(text)
    variables = inventory.hosts["db1"].variables
    assert variables["ok"] == 1
    assert "key" in variables
    with pytest.raises(InventoryError, match=r"host_vars/db1\.yml:2: 'key' is encrypted"):
        variables["key"]
    vars_of = list_data(inventory)["_meta"]["hostvars"]["db1"]
    assert vars_of["key"] == {"__ansible_vault": "$ANSIBLE_VAULT;1.1\n"}


def test_encrypted_files_and_values_are_opened(inventory: Inventory, tmp_path: Path) -> None:
    (tmp_path / "host_vars" / "db1.yml").write_text(envelope("whole: file\nlist: [1]\n"))
    values = f"deep: {{in: 1}}\nkey: {tagged('{{ x }} as it is')}list:\n  - {tagged('one', 6)}"
    (tmp_path / "host_vars" / "web3.yml").write_text(values)
    opened = inventory.opened_with(VAULT)
    assert opened.hosts["db1"].variables["whole"] == "file"
    variables = opened.hosts["web3"].variables
    assert (variables["key"], variables["list"]) == ("{{ x }} as it is", ["one"])
    assert isinstance(variables["key"], Unsafe)
    with pytest.raises(InventoryError, match=r"web3\.yml:2: 'key' is encrypted .*no secret is at"):
        inventory.hosts["web3"].variables["key"]


def test_what_nobody_reads_is_not_decrypted(
    inventory: Inventory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "host_vars" / "web3.yml").write_text(f"a: {tagged('A')}b: {tagged('B')}c: 1\n")
    derived = []

    def counted(secret: Secret, salt: bytes) -> Keys:
        derived.append(salt)
        return derive(secret, salt)

    monkeypatch.setattr("opsrun.vault.cipher.derive", counted)
    variables = inventory.opened_with(Vault(VAULT.secrets)).hosts["web3"].variables
    assert (variables["c"], {"a", "b"} <= set(variables), derived) == (1, True, [])
    # These two have their salt in common, as no two that were encrypted for good have.
    assert (variables["a"], variables["b"], len(derived)) == ("A", "B", 1)


def test_an_error_in_an_encrypted_file_names_the_line_of_the_clear_text(
    inventory: Inventory, tmp_path: Path
) -> None:
    (tmp_path / "host_vars" / "db1.yml").write_text(envelope("a: 1\nb: [\n"))
    with pytest.raises(InventoryError, match=r"db1\.yml:3:1: broken YAML"):
        dict(inventory.opened_with(VAULT).hosts["db1"].variables)


def test_a_second_vars_file_of_a_name_is_a_warning(inventory: Inventory, tmp_path: Path) -> None:
    (tmp_path / "host_vars" / "web1.json").write_text('{"x": "json"}')
    assert inventory.hosts["web1"].variables["x"] == "own"
    assert "web1.json beside it not read" in str(inventory.warnings[-1])


def test_duplicate_keys_are_among_the_warnings(inventory: Inventory, tmp_path: Path) -> None:
    (tmp_path / "host_vars" / "web1.yml").write_text("x: 1\ny: 2\nx: 3\n")
    assert inventory.hosts["web1"].variables["x"] == 3
    (warning,) = inventory.warnings
    assert str(warning).startswith("host_vars/web1.yml:3: the key 'x' is already on line 1")


def test_names_with_slashes_reach_no_file_outside(tmp_path: Path) -> None:
    (tmp_path / "secret.yml").write_text("stolen: 1\n")
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "hosts").write_text("../secret\n")
    inventory = load_inventory(["hosts"], cwd=str(tmp_path), env={})
    assert not inventory.hosts["../secret"].variables


def test_a_playbook_s_files_win_over_those_beside_the_sources(
    inventory: Inventory, tmp_path: Path
) -> None:
    (tmp_path / "play" / "group_vars").mkdir(parents=True)
    (tmp_path / "play" / "group_vars" / "web").write_text("x: play\n")
    again = load_inventory(["hosts.ini"], cwd=str(tmp_path), env={}, playbook_dir="play")
    found = [entry.value for entry in again.hosts["web2"].explain("x")]
    assert found == ["host", "play", "file", "all", "group"]


def test_ten_thousand_hosts_share_one_line(tmp_path: Path) -> None:
    (tmp_path / "hosts.ini").write_text("[web]\nweb[00001:10000] a=1\n[web:vars]\nb=2\n")
    inventory = load_inventory(["hosts.ini"], cwd=str(tmp_path), env={})
    hosts = inventory.select("web:!web[00002-09999]")
    assert [host.name for host in hosts] == ["web00001", "web10000"]
    every = inventory.hosts.values()
    assert len({id(host.own) for host in every}) == 1
    assert len({id(host.variables.value("b")) for host in every}) == 1
