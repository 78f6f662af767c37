"""From variables, command line and ssh_config to a target."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.errors import ConfigError, NotBuiltError, OpsrunError, UsageError
from opsrun.secret import Secret
from opsrun.transports.ssh_config.config import SSHConfig
from opsrun.transports.ssh_config.tokens import Local
from opsrun.transports.targets.build import ConnectionDefaults, build_target
from opsrun.transports.targets.target import LocalTarget, SSHTarget


def build(
    variables: dict[str, Any] | None = None,
    config: SSHConfig | None = None,
    name: str = "web",
    **defaults: Any,
) -> SSHTarget:
    target = build_target(
        name,
        variables or {},
        ConnectionDefaults(**defaults),
        config,
        origin=lambda variable: "inventory.yml:12",
    )
    assert isinstance(target, SSHTarget)
    return target


@pytest.fixture
def config(tmp_path: Path) -> Any:
    def make(text: str) -> SSHConfig:
        (tmp_path / "config").write_text(text)
        return SSHConfig.load(str(tmp_path / "config"))

    return make


def test_built_in_defaults() -> None:
    target = build()
    assert (target.host, target.address, target.port) == ("web", "web", 22)
    assert target.user == Local().user
    assert target.known_hosts == (
        *("~/.ssh/known_hosts", "~/.ssh/known_hosts2"),
        *("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"),
    )
    assert target.host_key_checking == "strict"
    assert (target.use_agent, target.default_identities, target.identities_only) == (
        *(True, True),
        False,
    )
    assert target.auth_methods == ("publickey", "password", "keyboard-interactive")


def test_variables_win_over_the_command_line_and_that_over_ssh_config(config: Any) -> None:
    files = config("User c\nPort 3\nStrictHostKeyChecking no\nConnectTimeout 3\nHashKnownHosts yes")
    target = build({}, files)
    assert (target.user, target.port, target.host_key_checking) == ("c", 3, "off")
    assert (target.timeouts.tcp, target.hash_known_hosts) == (3, True)
    line: dict[str, Any] = {"user": "b", "port": 2, "host_key_checking": "accept-new"}
    line["connect_timeout"] = 2.5
    target = build({}, files, **line)
    assert (target.user, target.port, target.host_key_checking) == ("b", 2, "accept-new")
    assert (target.timeouts.tcp, target.timeouts.banner, target.timeouts.kex) == (2.5, 2.5, 2.5)
    own = {"ansible_user": "a", "ansible_port": "1", "ansible_host_key_checking": "true"}
    target = build(own | {"ansible_timeout": 1}, files, **line)
    assert (target.user, target.port, target.host_key_checking) == ("a", 1, "strict")
    assert target.timeouts.tcp == 1


@pytest.mark.parametrize("seconds", [3e6, 1e10, 1e300])
def test_a_limit_that_no_system_can_count_to_is_one_of_a_day(seconds: float, config: Any) -> None:
    timeouts = build({}, connect_timeout=seconds).timeouts
    assert (timeouts.tcp, timeouts.banner, timeouts.kex) == (86_400, 86_400, 86_400)
    asked = build({}, config("ServerAliveInterval 99999999")).timeouts
    assert asked.keepalive == 86_400


def test_of_two_variables_the_one_with_ssh_wins() -> None:
    pairs = {
        "ansible_host": "a",
        "ansible_ssh_host": "b",
        "ansible_port": 1,
        "ansible_ssh_port": 2,
        "ansible_user": "a",
        "ansible_ssh_user": "b",
        "ansible_password": "a",
        "ansible_ssh_pass": "b",
        "ansible_ssh_password": "c",
        "ansible_private_key_file": "/a",
        "ansible_ssh_private_key_file": "/b",
    }
    target = build(pairs)
    assert (target.address, target.port, target.user) == ("b", 2, "b")
    assert target.password is not None
    assert target.password.reveal() == "c"
    assert target.identity_files == ("/b",)


def test_order_of_the_ssh_arguments() -> None:
    layers = {
        "ansible_ssh_args": "-o Port=4",
        "ansible_port": 9,
        "ansible_ssh_common_args": "-o Port=5",
        "ansible_ssh_extra_args": "-o Port=6",
    }
    seen = []
    for name in list(layers):
        seen.append(build(layers, ssh_options=("Port=7",)).port)
        del layers[name]
    seen.append(build(layers, ssh_options=("Port=7",)).port)
    assert seen == [4, 9, 5, 6, 7]


def test_ssh_arguments(tmp_path: Path) -> None:
    (tmp_path / "my config").write_text("Host web\n HostName other.invalid\n Port 7\n")
    args = (
        f"-F '{tmp_path}/my config' -o IdentitiesOnly=yes -oIdentityAgent=none -i /k1 -l me -6Cq "
        "-o 'ServerAliveInterval 5' -o ServerAliveCountMax=2 -o UserKnownHostsFile=/dev/null\n"
        "-o ConnectionAttempts=4"
    )
    target = build({"ansible_ssh_common_args": args})
    assert (target.address, target.port, target.user) == ("other.invalid", 7, "me")
    assert (target.identities_only, target.use_agent) == (True, False)
    assert (target.identity_files, target.default_identities) == (("/k1",), False)
    assert (target.timeouts.keepalive, target.timeouts.keepalive_count) == (5, 2)
    assert target.known_hosts[0] == "/dev/null"
    assert (target.address_family, target.connection_attempts) == ("inet6", 4)


def test_ansibles_own_default_arguments_are_harmless() -> None:
    args = "-C -o ControlMaster=auto -o ControlPersist=60s -o ControlPath=/x/%C"
    assert build({"ansible_ssh_args": args}).port == 22


@pytest.mark.parametrize(
    ("args", "kind", "message"),
    [
        ("-o Prt=3", UsageError, "'Prt' is no keyword of ssh_config; did you mean 'Port'?"),
        ("-o Port=x", UsageError, "Port: expected a port"),
        ("-p 70000", UsageError, "expected a port"),
        ("-o", UsageError, "-o needs a value"),
        ("-i", UsageError, "-i needs a value"),
        ("-o 'Port=3", UsageError, "no closing quotation"),
        ("web", UsageError, "expected an option of ssh, found 'web'"),
        ("-J a;b", UsageError, "ProxyJump: 'a;b' is no host name or address"),
        ("-J a:x", UsageError, "ProxyJump: 'a:x': expected a port"),
        ("-A", NotBuiltError, "the ssh option -A is not built"),
        ("-L 1:a:2", NotBuiltError, "the ssh option -L is not built"),
        ("-o ForwardAgent=yes", NotBuiltError, "ForwardAgent yes"),
        ("-o Ciphers=aes128-ctr", NotBuiltError, "Ciphers aes128-ctr"),
        ("-o BindAddress=10.0.0.1", NotBuiltError, "BindAddress"),
        ("-F /nonexistent/config", ConfigError, "no such ssh_config file"),
    ],
)
def test_arguments_that_cannot_be_honoured(
    args: str, kind: type[OpsrunError], message: str
) -> None:
    with pytest.raises(kind) as caught:
        build({"ansible_ssh_extra_args": args})
    assert message in str(caught.value)
    if kind is not ConfigError:
        assert str(caught.value).startswith("inventory.yml:12: ansible_ssh_extra_args: ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("ansible_port", value) for value in (0, 65536, "x", True, 22.5, [22], "", "2 2", -1)),
        *(("ansible_host", value) for value in (["a"], 10, True, "", {"a": 1}, "a\nb", "a\0b")),
        *(("ansible_user", value) for value in (["a"], True, "", 1.5, "a\tb")),
        *(("ansible_ssh_private_key_file", value) for value in (["/a"], 1, "")),
        *(("ansible_timeout", value) for value in (0, -1, "soon", True, [], "nan", "inf")),
        *(("ansible_host_key_checking", value) for value in ("maybe", 2, [])),
        *(("ansible_connection", value) for value in ("shh", ["ssh"], "loca", "")),
        *(("ansible_password", value) for value in (True, [], "")),
        *(("ansible_ssh_common_args", value) for value in (["-C"], 3)),
    ],
)
def test_wrong_values_name_variable_and_origin(name: str, value: object) -> None:
    with pytest.raises(UsageError) as caught:
        build_target("web", {name: value}, ConnectionDefaults(), origin=lambda _: "inv.yml:12")
    assert not isinstance(caught.value, NotBuiltError)
    assert str(caught.value).startswith(f"inv.yml:12: {name}: ")


HOSTILE = [
    "-oProxyCommand=x",
    "a;b",
    "a b",
    "$(id)",
    "`id`",
    "a|b",
    "a&b",
    "a'b",
    'a"b',
    "a\u202eb",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names(text: str, config: Any) -> None:
    for variables in ({"ansible_host": text}, {"ansible_user": text}):
        with pytest.raises(UsageError, match=r"inventory\.yml:12"):
            build(variables)
    with pytest.raises(UsageError):
        build(name=text)
    with pytest.raises(UsageError, match="-u: "):
        build(user=text)
    with pytest.raises(UsageError, match=r"config:1: "):
        build({}, config("HostName '" + text.replace("'", "\\'") + "'\n"))


@pytest.mark.parametrize(
    "text", ["user@web", "web:22", "1:2", "a/b", "*", "a,b", "[web]", "[::1", ":"]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(UsageError, match="is no host name or address"):
        build({"ansible_host": text})


@pytest.mark.parametrize(
    ("text", "address"),
    [
        *(("::1", "::1"), ("[::1]", "::1"), ("fe80::1%eth0", "fe80::1%eth0"), ("10.0.0.1",) * 2),
        *(("web-1.example", "web-1.example"), ("bücher.example", "bücher.example"), ("a_b", "a_b")),
    ],
)
def test_addresses(text: str, address: str) -> None:
    assert build({"ansible_host": text}).address == address


@pytest.mark.parametrize(
    "user", ["bob", "DOM\\bob", "bob@example.org", "svc$", "a.b-c_d", "bob é"[:3]]
)
def test_users(user: str) -> None:
    assert build({"ansible_user": user}).user == user


def test_numbers_that_inventories_make_of_texts() -> None:
    target = build({"ansible_user": 1000, "ansible_password": 12345, "ansible_port": "2222"})
    assert (target.user, target.port) == ("1000", 2222)
    assert target.password is not None
    assert target.password.reveal() == "12345"


def test_password_of_the_command_line_is_for_hosts_without_their_own() -> None:
    mine = Secret("x")
    assert build(password=mine).password is mine
    own = build({"ansible_password": Secret("y")}, password=mine).password
    assert own is not None
    assert own.reveal() == "y"


def test_a_password_is_in_no_message() -> None:
    with pytest.raises(NotBuiltError) as caught:
        build({"ansible_password": "hunter2{{ x }}"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["ansible_host", "ansible_user", "ansible_port"])
def test_templates_are_refused(name: str) -> None:
    with pytest.raises(NotBuiltError, match="templates in connection variables are not built yet"):
        build({name: "{{ other }}"})


@pytest.mark.parametrize(
    "kind", ["ssh", "smart", "paramiko", "paramiko_ssh", "ansible.builtin.ssh"]
)
def test_ssh_by_its_names(kind: str) -> None:
    assert build({"ansible_connection": kind}).port == 22


@pytest.mark.parametrize("kind", ["local", "ansible.builtin.local"])
def test_local(kind: str) -> None:
    found = build_target("here", {"ansible_connection": kind}, ConnectionDefaults())
    assert found == LocalTarget("here")


def test_other_connections() -> None:
    with pytest.raises(NotBuiltError, match="'winrm' is not built yet"):
        build({"ansible_connection": "winrm"})
    with pytest.raises(NotBuiltError, match=r"'community\.x\.y' is not built yet"):
        build({"ansible_connection": "community.x.y"})
    with pytest.raises(UsageError, match=r"no connection 'locla'; did you mean 'local'\?"):
        build({"ansible_connection": "locla"})


def test_identity_files_add_up_and_missing_ones_of_ssh_config_go(
    config: Any, tmp_path: Path
) -> None:
    for name in ("there", "agents.pub"):
        (tmp_path / name).write_text("")
    files = config("".join(f"IdentityFile {tmp_path}/{n}\n" for n in ("there", "gone", "agents")))
    there, agents = f"{tmp_path}/there", f"{tmp_path}/agents"
    assert build({}, files, private_keys=("/mine",)).identity_files == ("/mine", there, agents)
    own = build({"ansible_private_key_file": "/own"}, files, private_keys=("/mine",))
    assert own.identity_files == ("/own", there, agents)
    assert not own.default_identities
    none = build({}, config(f"IdentityFile {tmp_path}/gone\n"))
    assert (none.identity_files, none.default_identities) == ((), False)


def test_ways_to_log_in(config: Any) -> None:
    def methods(text: str) -> tuple[str, ...]:
        return build({}, config(text)).auth_methods

    assert methods("PubkeyAuthentication no") == ("password", "keyboard-interactive")
    assert methods("PasswordAuthentication no") == ("publickey", "keyboard-interactive")
    assert methods("ChallengeResponseAuthentication no") == ("publickey", "password")
    assert methods("PreferredAuthentications gssapi-with-mic,password,publickey") == (
        "password",
        "publickey",
    )


def test_known_hosts_files(config: Any) -> None:
    def files(text: str) -> tuple[str, ...]:
        return build({}, config(text)).known_hosts

    assert files("UserKnownHostsFile /a /b\nGlobalKnownHostsFile /c") == ("/a", "/b", "/c")
    assert files("UserKnownHostsFile none\nGlobalKnownHostsFile none") == ("/dev/null",)


def test_host_key_alias(config: Any) -> None:
    assert build({}, config("HostKeyAlias [x]:22")).lookup_name == "[x]:22"
    with pytest.raises(UsageError, match="config:1: '\\*' is no name"):
        build({}, config("HostKeyAlias *"))


@pytest.mark.parametrize("value", ["strict", "accept-new", "off", True, False])
def test_host_key_checking_of_a_host(value: object, config: Any) -> None:
    expected = {True: "strict", False: "off"}.get(value, value)  # type: ignore[call-overload]
    target = build({"ansible_host_key_checking": value}, config("StrictHostKeyChecking ask"))
    assert target.host_key_checking == expected


def test_bad_options_of_the_command_line() -> None:
    with pytest.raises(UsageError, match="-O: -o Prt=1: 'Prt' is no keyword"):
        build(ssh_options=("Prt=1",))
    with pytest.raises(UsageError, match="port from 1 to 65535"):
        build(port=0)


_names = st.sampled_from(
    [
        *("ansible_host", "ansible_port", "ansible_user", "ansible_password", "ansible_connection"),
        *("ansible_ssh_common_args", "ansible_timeout", "ansible_ssh_host"),
        *("ansible_host_key_checking", "ansible_private_key_file", "ansible_ssh_args"),
    ]
)
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@given(st.dictionaries(_names, _values, max_size=4))
def test_any_value_gives_a_sound_target_or_one_clear_error(variables: dict[str, Any]) -> None:
    try:
        target = build_target("web", variables, ConnectionDefaults())
    except OpsrunError as error:
        said = str(error)
    else:
        said = "fine"
        check_soundness(target)
    assert len(said.splitlines()) == 1


def check_soundness(target: SSHTarget | LocalTarget) -> None:
    if isinstance(target, SSHTarget):
        assert 0 < target.port < 65536
        assert not target.address.startswith("-")
        assert target.address.isprintable()
        assert not any(char.isspace() for char in target.address + target.user)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("RequestTTY=yes", "has no effect here; --pty"),
        ("RequestTTY=force", "has no effect here; --pty"),
        ("SetEnv=A=1", "has no effect here; --env"),
        ("SessionType=none", "not built"),
    ],
)
def test_what_is_asked_for_and_has_no_effect_is_refused(option: str, words: str) -> None:
    with pytest.raises(NotBuiltError, match=words):
        build_target("web", {}, ConnectionDefaults(ssh_options=(option,)))


@pytest.mark.parametrize("option", ["RequestTTY=no", "RequestTTY=auto", "SessionType=default"])
def test_what_is_done_anyway_may_be_asked_for(option: str) -> None:
    build_target("web", {}, ConnectionDefaults(ssh_options=(option,)))


def test_batch_mode_asks_nobody() -> None:
    def asks(*options: str) -> bool:
        target = build_target("web", {}, ConnectionDefaults(ssh_options=options))
        assert isinstance(target, SSHTarget)
        return target.may_ask

    assert asks()
    assert asks("BatchMode=no")
    assert not asks("BatchMode=yes")
