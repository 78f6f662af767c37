"""Our reader beside the real program: ``ssh -G -F file host``."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsrun.errors import ConfigError
from opsrun.transports.ssh_config.config import SSHConfig
from opsrun.transports.ssh_config.host import HostConfig
from opsrun.transports.ssh_config.tokens import Local

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None, reason="there is no ssh to ask")

ASKED = (
    *("hostname", "user", "port", "identityfile", "certificatefile", "identitiesonly"),
    *("identityagent", "hostkeyalias", "proxyjump", "proxycommand", "userknownhostsfile"),
    *("stricthostkeychecking", "connecttimeout", "serveraliveinterval", "serveralivecountmax"),
    *("addressfamily", "connectionattempts"),
)


def theirs(path: Path, host: str, *more: str) -> dict[str, list[str]]:
    asked = subprocess.run(
        ["ssh", "-G", "-F", str(path), *more, host],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    found: dict[str, list[str]] = {name: [] for name in ASKED}
    for line in asked.stdout.splitlines():
        name, _, value = line.partition(" ")
        if name in found:
            found[name].append(value)
    return found


def _one(value: object, default: str | None = None) -> list[str]:
    value = default if value is None else value
    return [] if value is None else [str(value)]


def ours(config: HostConfig) -> dict[str, list[str]]:
    default_known = "/nowhere/kh1 /nowhere/kh2"
    known = config.user_known_hosts
    strict = {"yes": "true", "no": "false"}
    return {
        "hostname": [config.hostname],
        "user": _one(config.user, Local().user),
        "port": _one(config.port, "22"),
        "identityfile": list(config.identity_files or ()),
        "certificatefile": list(config.certificate_files or ()),
        "identitiesonly": ["yes" if config.identities_only else "no"],
        "identityagent": _one(config.identity_agent),
        "hostkeyalias": _one(config.host_key_alias),
        "proxyjump": _one(config.proxy_jump),
        "proxycommand": _one(config.proxy_command),
        "userknownhostsfile": [default_known if known is None else " ".join(known)],
        "stricthostkeychecking": [
            strict.get(config.strict_host_key_checking or "ask", config.strict_host_key_checking)
            or "ask"
        ],
        "connecttimeout": _one(config.connect_timeout, "none"),
        "serveraliveinterval": _one(config.server_alive_interval, "0"),
        "serveralivecountmax": _one(config.server_alive_count_max, "3"),
        "addressfamily": [config.address_family],
        "connectionattempts": _one(config.connection_attempts, "1"),
    }


def normal(found: dict[str, list[str]]) -> dict[str, list[str]]:
    """What ssh prints, brought to our form where the two merely print differently."""
    same = dict(found)
    same["identityfile"] = [one for one in found["identityfile"] if one != "none"]
    same["certificatefile"] = [one for one in found["certificatefile"] if one != "none"]
    same["proxyjump"] = [one for one in found["proxyjump"] if one != "none"]
    same["proxycommand"] = [one for one in found["proxycommand"] if one != "none"]
    if same["userknownhostsfile"] == ["none"]:
        same["userknownhostsfile"] = [""]
    defaults = {f"~/.ssh/id_{kind}" for kind in ("rsa", "ecdsa", "ecdsa_sk", "ed25519", "dsa")}
    defaults |= {"~/.ssh/id_ed25519_sk", "~/.ssh/id_xmss"}
    if set(same["identityfile"]) <= defaults:
        same["identityfile"] = []
    return same


def compare(path: Path, text: str, hosts: list[str], *more: str) -> None:
    tail = "Host *\n  UserKnownHostsFile /nowhere/kh1 /nowhere/kh2\n"
    path.write_text(text + "\n" + tail)
    config = SSHConfig.load(str(path))
    options = {"-l": "user", "-p": "port"}
    named = {options[key]: value for key, value in zip(more[::2], more[1::2], strict=True)}
    for host in hosts:
        found = config.lookup(
            host, user=named.get("user"), port=int(named["port"]) if "port" in named else None
        )
        assert ours(found) == normal(theirs(path, host, *more)), f"{host} in:\n{text}"


CASES = {
    "first wins": "Port 1\nPort 2\nHost a\n User x\nHost *\n User y\n",
    "equals and quotes": 'Port=77\nUser = "a b"\nHostKeyAlias "x"\nIdentityFile="/a b/c"\n',
    "odd spacing": "  \tPort\t 77  \r\n\n#x\n   # y\nuSeR q # why\n",
    "negation": "Host a* !ab\n Port 5\nHost !a *\n Port 6\n",
    "only negated": "Host !b\n Port 5\n",
    "question mark": "Host a?\n Port 5\nHost [a]\n Port 6\n",
    "upper case": "Host AB\n HostName %h.Example\n Port 9\nMatch originalhost aB\n User low\n",
    "hostname tokens": "Host a\n HostName %h.x%%y\n",
    "match host follows hostname": "Host a\n HostName web.x\nMatch host web.*\n Port 9\n",
    "match originalhost": "Host a\n HostName web.x\nMatch originalhost a\n Port 9\n",
    "match user so far": "Host a\n User bob\nMatch user bob,al\n Port 9\n",
    "match user negated": "Match user *,!bob\n Port 8\nMatch !user bob\n Port 9\n",
    "match localuser": f"Match localuser {Local().user}\n Port 9\n",
    "match all": "Host b\n Port 1\nMatch all\n Port 2\n",
    "match not all": "Match !all\n Port 2\n",
    "match final": (
        "Match final host web\n User f\nHost a\n HostName web\nMatch canonical\n Port 4\n"
    ),
    "match final keeps firsts": "Match final\n Port 3\n User z\nHost *\n Port 4\n",
    "final all": "Match final all\n IdentityFile /f\nMatch all\n IdentityFile /g\n",
    "match exec": "Match exec true\n Port 9\nMatch exec false\n User n\n",
    "match exec with tokens": 'Match exec "test %n = a && test %h = a"\n Port 9\n',
    "match exec negated": "Match !exec false\n Port 9\n",
    "match with equals": "Match originalhost=a user=*\n Port 9\n",
    "match comment": "Match user * # all of them\n Port 9\n",
    "identity files add up": "IdentityFile /a\nHost a\n IdentityFile /b\n IdentityFile /a\n",
    "identity none": "IdentityFile none\n",
    "certificates": "CertificateFile /c1\nCertificateFile /c2\nIdentitiesOnly yes\n",
    "agent none": "IdentityAgent none\n",
    "agent path": "IdentityAgent /run/x.sock\n",
    "jump first": "ProxyJump j1,u@j2:22\nProxyCommand nc %h %p\n",
    "command first": "ProxyCommand nc %h %p # kept\nProxyJump j\n",
    "jump none": "ProxyJump none\nProxyCommand nc\n",
    "jump none twice": "ProxyJump none\nProxyJump j\nProxyCommand nc\nProxyJump k\n",
    "command none": "ProxyCommand none\nProxyJump j\n",
    "known hosts": 'UserKnownHostsFile /a "/b c" /d\n',
    "known hosts tokens": "UserKnownHostsFile /a_%h_%p_%r_%n_%u_%%_%k\nPort 7\nUser me\n",
    "known hosts local tokens": "UserKnownHostsFile /a_%L_%l_%i_%C\n",
    "strict": "StrictHostKeyChecking accept-new\n",
    "strict off": "StrictHostKeyChecking OFF\n",
    "strict false": "StrictHostKeyChecking false\n",
    "times": "ConnectTimeout 1m30\nServerAliveInterval 2M\nServerAliveCountMax 7\n",
    "time none": "ConnectTimeout none\n",
    "attempts": "Host a\n ConnectionAttempts 3\nConnectionAttempts 2\n",
    "family": "AddressFamily inet6\n",
    "ignore unknown": "IgnoreUnknown Foo*,bar\nFooBar what ever\nBar x\nPort 3\n",
    "service name": "Port http\n",
    "apostrophes": "User 'a\"b'\nHostKeyAlias a\\\"b\n",
    "escaped blank": "IdentityFile /a\\ b\n",
    "hash within": "User a#b\n",
    "older spelling": "SetupTimeOut 5\n",
}


@pytest.mark.parametrize("text", CASES.values(), ids=CASES.keys())
def test_same_as_openssh(tmp_path: Path, text: str) -> None:
    compare(tmp_path / "config", text, ["a", "ab", "AB"])


def test_user_and_port_of_the_caller_win(tmp_path: Path) -> None:
    text = "Match user bob\n IdentityFile /bob\nUser al\nPort 5\nUserKnownHostsFile /k_%r_%p\n"
    compare(tmp_path / "config", text, ["a"], "-l", "bob", "-p", "99")


def test_includes_are_conditional(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "1.conf").write_text(
        "User one\nHost b\n Port 11\nHost *\n HostKeyAlias k1\n"
    )
    (tmp_path / "in" / "2.conf").write_text(f"Include {tmp_path}/deep\nPort 22222\n")
    (tmp_path / "deep").write_text("Match originalhost ab\n IdentityFile /deep\n")
    text = f"Host a*\n Include {tmp_path}/in/*.conf {tmp_path}/none\n ConnectTimeout 3\nUser last\n"
    compare(tmp_path / "config", text, ["a", "ab", "b", "c"])


_patterns = st.sampled_from(["a", "ab", "*", "a*", "?b", "!a", "!a*", "*b", "b"])
_headers = st.one_of(
    st.lists(_patterns, min_size=1, max_size=3).map(lambda some: "Host " + " ".join(some)),
    st.tuples(
        st.sampled_from(["", "!"]),
        st.sampled_from(["host", "originalhost", "user"]),
        st.lists(_patterns, min_size=1, max_size=3).map(",".join),
    ).map(lambda parts: f"Match {parts[0]}{parts[1]} {parts[2]}"),
    st.sampled_from(["Match all", "Match final", "Match !canonical", "Match final user a*"]),
)
_lines = st.sampled_from(
    [
        *("HostName ab", "HostName %h.b", "HostName b", "User a", "User ab", "Port 5", "Port 6"),
        *("IdentityFile /k_%%h", "IdentityFile /b", "HostKeyAlias z", "ProxyJump none"),
        *("ProxyCommand nc x", "ProxyJump j", "UserKnownHostsFile none", "IdentitiesOnly yes"),
        *("UserKnownHostsFile /k_%h_%r_%p_%n", "StrictHostKeyChecking no"),
    ]
)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    top=st.lists(_lines, max_size=2),
    blocks=st.lists(st.tuples(_headers, st.lists(_lines, max_size=4)), max_size=5),
    host=st.sampled_from(["a", "ab", "b"]),
)
def test_random_configurations(
    tmp_path: Path, top: list[str], blocks: list[tuple[str, list[str]]], host: str
) -> None:
    lines = [*top, *(line for header, body in blocks for line in (header, *body))]
    text = "\n".join(line.replace("%%h", "h") for line in lines)
    compare(tmp_path / "config", text, [host])


BAD = [
    *("Prt 3", "Port", "Port 0", "Port 70000", "Port 22 33", "Host", "Match", 'Host "a'),
    *("Match all host x", "Match host", 'Host ""', "IdentityFile a b", "ServerAliveCountMax -1"),
    *("ConnectTimeout soon", "StrictHostKeyChecking maybe", "UserKnownHostsFile none /x"),
    *("Match what x", "IdentitiesOnly perhaps", "AddressFamily inet5"),
    *("ConnectionAttempts many", "ConnectionAttempts 0"),
]


@pytest.mark.parametrize("line", BAD)
def test_what_openssh_refuses_we_refuse(tmp_path: Path, line: str) -> None:
    path = tmp_path / "config"
    path.write_text(f"# first\n{line}\n")
    with pytest.raises(subprocess.CalledProcessError):
        theirs(path, "a")
    with pytest.raises(ConfigError) as caught:
        SSHConfig.load(str(path))
    assert caught.value.line == 2
    assert caught.value.column
