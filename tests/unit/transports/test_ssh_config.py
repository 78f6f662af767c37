"""What of the ssh_config reader needs no oracle: errors, origins, files, tokens, cost."""

from __future__ import annotations

import gzip
import os
import re
from pathlib import Path

import pytest

from opsrun.errors import ConfigError, NotBuiltError
from opsrun.transports.ssh_config import config as ssh_config
from opsrun.transports.ssh_config.config import SSHConfig, run_match_exec
from opsrun.transports.ssh_config.keywords import KEYWORDS, Use
from opsrun.transports.ssh_config.parse import parse_option
from opsrun.transports.ssh_config.patterns import PatternList
from opsrun.transports.ssh_config.tokens import Local
from opsrun.transports.ssh_config.values import BadValue


def written(tmp_path: Path, text: str) -> SSHConfig:
    path = tmp_path / "config"
    path.write_text(text)
    return SSHConfig.load(str(path))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "home" / ".ssh").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_misspelt_keyword_names_the_place_and_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        written(tmp_path, "Host a\n  HostNmae b\n")
    error = caught.value
    assert (error.line, error.column) == (2, 3)
    assert "did you mean 'HostName'?" in str(error)
    assert str(error).startswith(str(tmp_path / "config:2:3"))


def test_column_of_a_bad_value(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        written(tmp_path, "  Port = abc1\n")
    assert caught.value.column == 10


@pytest.mark.parametrize(
    ("line", "column"), [("User 'x", 6), ('Host a "b', 8), ("Match user a hots b", 14)]
)
def test_column_of_the_fault_itself(tmp_path: Path, line: str, column: int) -> None:
    with pytest.raises(ConfigError) as caught:
        written(tmp_path, line)
    assert caught.value.column == column


def test_origin_is_where_the_winning_value_stands(tmp_path: Path) -> None:
    config = written(tmp_path, "Host b\n Port 1\nHost *\n Port 2\n").lookup("a")
    assert config.origin_of("port") == f"{tmp_path}/config:4"
    assert config.origin_of("user") == ""


def test_user_file_wins_over_the_system_wide_one(home: Path, tmp_path: Path) -> None:
    (home / ".ssh" / "config").write_text("Host a\n User mine\n")
    (home / ".ssh" / "config").chmod(0o600)
    system = tmp_path / "ssh_config"
    system.write_text("User theirs\nPort 7\n")
    config = SSHConfig.load(system=str(system))
    assert (config.lookup("a").user, config.lookup("a").port) == ("mine", 7)
    assert config.lookup("b").user == "theirs"


def test_missing_default_files_are_fine_and_a_named_one_is_not(home: Path, tmp_path: Path) -> None:
    assert SSHConfig.load(system=str(tmp_path / "no")).lookup("a").hostname == "a"
    with pytest.raises(ConfigError, match="no such ssh_config file"):
        SSHConfig.load(str(tmp_path / "no"))


def test_f_none_reads_no_file(home: Path) -> None:
    (home / ".ssh" / "config").write_text("User mine\n")
    assert SSHConfig.load("none").lookup("a").user is None


def test_a_file_that_others_may_write_is_refused(home: Path, tmp_path: Path) -> None:
    (home / ".ssh" / "config").write_text("User mine\n")
    (home / ".ssh" / "config").chmod(0o666)
    with pytest.raises(ConfigError, match="others may write"):
        SSHConfig.load(system=str(tmp_path / "no"))


def test_a_directory_for_a_file_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read"):
        SSHConfig.load(str(tmp_path))


def test_include_is_relative_to_the_ssh_directory(home: Path, tmp_path: Path) -> None:
    (home / ".ssh" / "more.d").mkdir()
    for name, port in (("b.conf", 2), ("a.conf", 1)):
        (home / ".ssh" / "more.d" / name).write_text(f"Port {port}\n")
        (home / ".ssh" / "more.d" / name).chmod(0o600)
    (tmp_path / "config").write_text("Include more.d/*.conf\n")
    config = SSHConfig.load(str(tmp_path / "config")).lookup("x")
    assert config.port == 1
    assert config.origin_of("port").endswith("more.d/a.conf:1")


def test_include_of_itself_ends(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(f"Include {path}\n")
    with pytest.raises(ConfigError, match="more than 16 deep"):
        SSHConfig.load(str(path))


def test_error_in_an_included_file_names_that_file(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.write_text("\nPrt 3\n")
    with pytest.raises(ConfigError) as caught:
        written(tmp_path, f"Host a\nInclude {inner}\n")
    assert (caught.value.path, caught.value.line) == (str(inner), 2)


def test_unknown_criterion_and_one_that_is_not_built(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'originalhost'"):
        written(tmp_path, "Match orginalhost x\n")
    with pytest.raises(ConfigError, match="'tagged' is not built yet"):
        written(tmp_path, "Match tagged x\n")


def test_unused_settings_are_listed_and_harmless_ones_are_not(tmp_path: Path) -> None:
    text = "ControlMaster auto\nForwardAgent yes\nForwardX11 no\nHost b\n SetEnv A=b\n"
    unused = written(tmp_path, text).lookup("a").unused
    assert [str(one) for one in unused] == ["ForwardAgent yes"]
    assert unused[0].origin.endswith("config:2")


@pytest.mark.parametrize(
    "line",
    [
        "CanonicalizeHostname yes",
        *("BindAddress 10.0.0.1", "RevokedHostKeys /k", "KnownHostsCommand /bin/x"),
    ],
)
def test_what_decides_where_we_end_up_is_refused(tmp_path: Path, line: str) -> None:
    config = written(tmp_path, f"Host a\n {line}\n")
    config.lookup("b").require_built()
    with pytest.raises(NotBuiltError, match=re.escape(f"config:2: {line}")):
        config.lookup("a").require_built()


@pytest.mark.parametrize(
    "line", ["ProxyJump b", "ProxyCommand b", "CanonicalizeHostname no", "BindAddress none"]
)
def test_the_rest_is_not_refused(tmp_path: Path, line: str) -> None:
    written(tmp_path, line).lookup("a").require_built()


def test_paths_are_expanded(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYS", "/keys %h")
    text = "IdentityFile ~/.ssh/%r@%h:%p\nIdentityFile ${KEYS}/%%\nIdentityAgent %d/s\nUser u\n"
    config = written(tmp_path, text).lookup("Web")
    assert config.identity_files == (f"{home}/.ssh/u@web:22", "/keys %h/%")
    assert config.identity_agent == f"{home}/s"


def test_identity_agent_from_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SOCK", "/run/me")
    assert written(tmp_path, "IdentityAgent $MY_SOCK").lookup("a").identity_agent == "/run/me"
    monkeypatch.delenv("MY_SOCK")
    assert written(tmp_path, "IdentityAgent $MY_SOCK").lookup("a").identity_agent == "none"
    assert written(tmp_path, "IdentityAgent SSH_AUTH_SOCK").lookup("a").identity_agent is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("IdentityFile /a%z", "no token '%z'"),
        ("IdentityFile ${NOT_SET_HERE}/a", "'NOT_SET_HERE' is not set"),
        ("HostName %p", "HostName knows the tokens"),
        ("UserKnownHostsFile /a%", "no token '%'"),
    ],
)
def test_what_cannot_be_expanded_names_its_line(tmp_path: Path, line: str, message: str) -> None:
    config = written(tmp_path, f"\n{line}\n")
    with pytest.raises(ConfigError, match=re.escape("config:2")) as caught:
        config.lookup("a")
    assert message in str(caught.value)


def test_match_exec_runs_each_command_once(tmp_path: Path) -> None:
    ran: list[str] = []

    def runner(command: str) -> bool:
        ran.append(command)
        return command.endswith("b")

    path = tmp_path / "config"
    path.write_text('Match host x* exec "test %h"\n Port 1\nMatch host y exec \'never\n')
    path.write_text('Match host x* exec "is %h"\n Port 1\n')
    config = SSHConfig.load(str(path), runner=runner)
    found = [config.lookup(name).port for name in ("xa", "xb", "xa", "xb", "y")]
    assert found == [None, 1, None, 1, None]
    assert ran == ["is xa", "is xb"]


def test_match_exec_that_never_ends_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_config, "EXEC_TIMEOUT", 0.05)
    config = written(tmp_path, 'Match exec "sleep 60"\n Port 1\n')
    with pytest.raises(ConfigError, match=r"config:1: Match: no answer after 0\.05 s"):
        config.lookup("a")


def test_match_exec_uses_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/bin/sh")
    assert run_match_exec("test a = a")
    assert not run_match_exec("test a = b")


def test_options_win_over_the_files(tmp_path: Path) -> None:
    config = written(tmp_path, "Port 1\nUser a\nIdentityFile /b\n")
    options = [parse_option("Port=2", "-O"), parse_option("IdentityFile /a", "-O")]
    found = config.lookup("x", options=options)
    assert (found.port, found.user, found.identity_files) == (2, "a", ("/a", "/b"))
    assert found.origin_of("port") == "-O"


@pytest.mark.parametrize("text", ["", "Port", "Prt=1", "Port=x", "Host a", "=a"])
def test_bad_options(text: str) -> None:
    with pytest.raises(BadValue):
        parse_option(text, "-O")


def test_another_file_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "other"
    path.write_text("Port 3\n")
    config = SSHConfig()
    assert config.other(str(path)) is config.other(str(path))
    assert config.other(str(path)).lookup("a").port == 3


def test_cost_of_a_lookup_does_not_grow_with_the_hosts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = "".join(f"Host h{n} alias{n}\n Port {n + 1}\n" for n in range(2000))
    config = written(tmp_path, f"{blocks}Host h*\n User u\n")
    asked: list[str] = []
    matches = PatternList.matches

    def counted(self: PatternList, name: str) -> bool:
        asked.append(name)
        return matches(self, name)

    monkeypatch.setattr(PatternList, "matches", counted)
    assert config.lookup("h1234").port == 1235
    assert config.lookup("alias7").user is None
    assert len(asked) == 4


def test_no_keyword_has_two_uses() -> None:
    assert {use for _, use in KEYWORDS.values()} == set(Use)
    for keyword, (name, _) in KEYWORDS.items():
        assert keyword == name.lower()


def test_every_keyword_of_the_manual_is_known() -> None:
    manual = Path("/usr/share/man/man5/ssh_config.5.gz")
    if not manual.exists():
        pytest.skip("there is no ssh_config(5) on this machine")
    text = gzip.decompress(manual.read_bytes()).decode()
    named = set(re.findall(r"^\.It Cm ([A-Z]\w+)", text, re.MULTILINE))
    assert len(named) > 80
    assert {name for name in named if name.lower() not in KEYWORDS} == set()


def test_local_user_is_that_of_the_process() -> None:
    assert Local().uid == os.getuid()
    assert Local().user
