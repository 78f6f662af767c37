"""Words for ssh(1), docker, podman and kubectl, and what is made of their ends."""

from __future__ import annotations

import itertools
import select
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.engine.threads import ThreadEngine
from opsrun.errors import ConnectionFailed, NotBuiltError, OpsrunError, UsageError
from opsrun.remote.connection import Data
from opsrun.remote.deadline import Deadline
from opsrun.secret import Secret
from opsrun.transports.programs.marks import Marks
from opsrun.transports.programs.program import SSHProcess
from opsrun.transports.programs.story import Story
from opsrun.transports.targets.build import ConnectionDefaults, build_target
from opsrun.transports.targets.target import ProgramTarget


def build(connection: str, name: str = "box", **variables: Any) -> ProgramTarget:
    """The target of a host with this connection; ``defaults`` holds for all hosts."""
    defaults = variables.pop("defaults", {})
    given = {"ansible_connection": connection} | variables
    target = build_target(name, given, ConnectionDefaults(**defaults), origin=lambda _: "inv:3")
    assert isinstance(target, ProgramTarget)
    return target


@pytest.mark.parametrize(
    ("connection", "variables", "argv"),
    [
        ("docker", {}, "docker exec -i box"),
        ("community.docker.docker", {"ansible_host": "c1"}, "docker exec -i c1"),
        ("docker", {"ansible_host": "a", "ansible_docker_host": "b"}, "docker exec -i b"),
        ("docker", {"ansible_user": "app"}, "docker exec -i -u app box"),
        ("docker", {"ansible_user": "a", "ansible_docker_user": 0}, "docker exec -i -u 0 box"),
        ("docker", {"ansible_docker_extra_args": "-H 'tcp://x'"}, "docker -H tcp://x exec -i box"),
        ("docker", {"ansible_docker_working_dir": "/srv"}, "docker exec -i -w /srv box"),
        ("docker", {"ansible_docker_privileged": "yes"}, "docker exec -i --privileged box"),
        ("docker", {"ansible_docker_privileged": False}, "docker exec -i box"),
        ("podman", {"ansible_user": "app"}, "podman exec -i --user app box"),
        ("containers.podman.podman", {"ansible_podman_executable": "pm"}, "pm exec -i box"),
        ("kubectl", {}, "kubectl exec -i box --"),
        (
            "kubernetes.core.kubectl",
            {
                "ansible_kubectl_pod": "deploy/web",
                "ansible_kubectl_namespace": "prod",
                "ansible_kubectl_container": "app",
                "ansible_kubectl_context": "east",
                "ansible_kubectl_kubeconfig": "/k",
            },
            "kubectl --kubeconfig /k --context east exec -i deploy/web -n prod -c app --",
        ),
        (
            "kubectl",
            {"ansible_kubectl_verify_ssl": False, "ansible_kubectl_host": "https://k:6443"},
            "kubectl --server https://k:6443 --insecure-skip-tls-verify exec -i box --",
        ),
    ],
)
def test_words_of_container_programs(connection: str, variables: dict[str, Any], argv: str) -> None:
    assert " ".join(build(connection, **variables).argv) == argv


@pytest.mark.parametrize("name", ["-x", "--privileged", "a b", "a;b", "$(a)", "a\nb", "é", ".a"])
@pytest.mark.parametrize("connection", ["docker", "podman", "kubectl"])
def test_names_that_are_options_or_worse(connection: str, name: str) -> None:
    with pytest.raises(UsageError):
        build(connection, name=name)
    with pytest.raises(UsageError, match="inv:3: ansible_host: "):
        build(connection, ansible_host=name)


@pytest.mark.parametrize(
    ("connection", "variables", "kind", "words"),
    [
        ("docker", {"ansible_docker_extra_env": {"A": "b"}}, NotBuiltError, "extra_env"),
        ("docker", {"ansible_docker_usre": "x"}, NotBuiltError, "did you mean .*_user'"),
        ("docker", {"ansible_docker_user": "-x"}, UsageError, "begins with '-'"),
        ("docker", {"ansible_docker_extra_args": "'"}, UsageError, "no closing quotation"),
        ("kubectl", {"ansible_kubectl_token": "t0p"}, NotBuiltError, "ansible_kubectl_token"),
        ("kubectl", {"ansible_kubectl_password": "t0p"}, NotBuiltError, "kubectl_password"),
        ("kubectl", {"ansible_kubectl_namespace": "--all"}, UsageError, "begins with '-'"),
        ("podman", {"ansible_podman_executable": "-x"}, UsageError, "is no program"),
        ("ssh_binary", {"ansible_password": "t0p"}, NotBuiltError, "no password"),
        ("ssh_binary", {"ansible_host": "-oProxyCommand=x"}, UsageError, "no host name"),
        ("ssh_binary", {"ansible_ssh_executable": "-x"}, UsageError, "is no program"),
        ("ssh_binary", {"ansible_ssh_args": "-A"}, NotBuiltError, "option -A"),
    ],
)
def test_what_maps_to_nothing_is_refused(
    connection: str, variables: dict[str, Any], kind: type[OpsrunError], words: str
) -> None:
    with pytest.raises(kind, match=words) as caught:
        build(connection, **variables)
    assert str(caught.value).startswith("inv:3: ")
    assert "t0p" not in str(caught.value)


def test_a_password_of_all_hosts_is_never_given_to_ssh() -> None:
    with pytest.raises(NotBuiltError, match="box: -k: "):
        build("ssh_binary", defaults={"password": Secret("t0p")})


def test_words_of_ssh() -> None:
    target = build(
        "ssh_binary",
        ansible_host="10.0.0.1",
        ansible_port=2222,
        ansible_user="ops",
        ansible_private_key_file="/my keys/id",
        ansible_ssh_common_args="-J bastion -o UserKnownHostsFile='/a /b' -o Ciphers=aes128-ctr",
        defaults={
            "ssh_config": "/cfg",
            "connect_timeout": 2.5,
            "host_key_checking": "accept-new",
            "ssh_options": ("ServerAliveInterval=7",),
        },
    )
    assert target.argv[:4] == ("ssh", "-T", "-F", "/cfg")
    assert target.argv[-2:] == ("--", "10.0.0.1")
    options = target.argv[4:-2]
    assert set(options[::2]) == {"-o"}
    assert options[1::2] == (
        "LogLevel=DEBUG1",
        "BatchMode=yes",
        "Port=2222",
        "User=ops",
        'IdentityFile="/my keys/id"',
        "ConnectTimeout=3",
        "StrictHostKeyChecking=accept-new",
        "ProxyJump=bastion",
        "UserKnownHostsFile=/a /b",
        "Ciphers=aes128-ctr",
        "ServerAliveInterval=7",
        "ConnectTimeout=10",
        "ServerAliveInterval=15",
        "ServerAliveCountMax=3",
    )


def test_ssh_is_given_no_limit_that_it_can_not_read() -> None:
    target = build("ssh_binary", defaults={"connect_timeout": 1e300})
    assert "ConnectTimeout=86400" in target.argv


def test_an_ssh_config_in_the_arguments_stands_in_for_the_other() -> None:
    target = build("ssh_binary", ansible_ssh_args="-F /own", defaults={"ssh_config": "/all"})
    assert target.argv[2:4] == ("-F", "/own")


# -- marks


def marked(marks: Marks, script: str = "true") -> tuple[bytes, bytes]:
    """What the wrapper prints before and, but for the status, behind the command's words."""
    *_, begin, end = marks.argv(script)
    return begin.encode(), end.encode()


@given(
    noise=st.binary(max_size=30),
    said=st.binary(max_size=60),
    late=st.binary(max_size=30),
    status=st.integers(0, 255),
    cuts=st.lists(st.integers(0, 250), max_size=6),
)
def test_wherever_the_stream_is_cut(
    noise: bytes, said: bytes, late: bytes, status: int, cuts: list[int]
) -> None:
    marks = Marks()
    begin, end = marked(marks)
    stream = noise + begin + said + end + f"{status}.".encode() + late
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    pieces = [stream[a:b] for a, b in itertools.pairwise(edges)]
    out = b"".join(marks.feed(piece) for piece in pieces) + marks.rest()
    assert out == said + late
    assert (marks.before, marks.begun, marks.status) == (noise, True, status)


@given(st.binary(max_size=80), st.integers(0, 60))
def test_without_the_second_mark_all_is_the_commands(said: bytes, kept: int) -> None:
    marks = Marks()
    begin, end = marked(marks)
    out = marks.feed(begin) + marks.feed(said + end[: min(kept, len(end) - 1)]) + marks.rest()
    assert out == said + end[: min(kept, len(end) - 1)]
    assert marks.status is None


def test_what_can_not_be_a_mark_is_not_held_back() -> None:
    marks = Marks()
    begin, _ = marked(marks)
    assert marks.feed(begin + b"Password: ") == b"Password: "
    assert marks.feed(b"\036 and on") == b"\036 and on"


def test_no_two_commands_have_the_same_marks() -> None:
    assert marked(Marks()) != marked(Marks())


def test_the_script_is_a_word_of_its_own() -> None:
    script = "echo 'a'; $(b)\n\"c"
    argv = Marks().argv(script)
    assert script in argv
    assert script not in argv[2]


# -- ssh's log

TARGET = ProgramTarget("web", "ssh", ("ssh",), "10.0.0.1")
LOGIN = """\
debug1: Connecting to 10.0.0.1 [10.0.0.1] port 22.
debug1: Connection established.
debug1: Remote protocol version 2.0, remote software version OpenSSH_9.2p1
debug1: Server host key: ssh-ed25519 SHA256:x
debug1: SSH2_MSG_NEWKEYS sent
Authenticated to 10.0.0.1 ([10.0.0.1]:22) using "publickey".
debug1: Sending command: true
"""


@pytest.mark.parametrize(
    ("log", "said", "phase", "words"),
    [
        ("ssh: Could not resolve hostname x: Name or service not known\n", "", "dns", "resolve"),
        ("debug1: Connecting to x\nssh: connect to host x port 1: No route\n", "", "tcp", "route"),
        (
            "".join(LOGIN.splitlines(True)[:2])
            + "kex_exchange_identification: Connection closed by remote host\n",
            "",
            "banner",
            "closed by remote",
        ),
        (
            "".join(LOGIN.splitlines(True)[:4]) + "Host key verification failed.\n",
            "",
            "hostkey",
            "verification failed",
        ),
        (
            "".join(LOGIN.splitlines(True)[:5]) + "me@x: Permission denied (publickey).\n",
            "",
            "auth",
            "Permission denied",
        ),
        (
            "debug1: Executing proxy command: exec ssh -W\n"
            "Connection closed by UNKNOWN port 65535\n",
            "ssh: connect to host b port 22: Connection refused\n",
            "tcp",
            "host b port 22",
        ),
        ("", "", "dns", "ssh ended with status 255"),
    ],
)
def test_why_the_command_never_got_there(log: str, said: str, phase: str, words: str) -> None:
    story = Story()
    story.feed(log.encode())
    failure = story.failure(TARGET, 255, said.encode())
    assert isinstance(failure, ConnectionFailed)
    assert (failure.phase, failure.host) == (phase, "web")
    assert failure.transient is (phase not in ("hostkey", "auth"))
    assert words in failure.message
    assert not story.sent


@pytest.mark.parametrize(
    ("end", "exited", "killed"),
    [
        ("rtype exit-status reply 0\ndebug1: Exit status 255", True, False),
        ("rtype exit-signal reply 0\ndebug1: Exit status -1", False, True),
        ("rtype exit-status reply 0\nKilled by signal 15.", False, False),
        ("rtype eow@openssh.com reply 0\nClient_loop: send disconnect: Broken pipe", False, False),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_what_is_known_of_the_commands_end(end: str, exited: bool, killed: bool, size: int) -> None:
    story = Story()
    log = f"{LOGIN}debug1: client_input_channel_req: channel 0 {end}\n".encode()
    for at in range(0, len(log), size):
        story.feed(log[at : at + size])
    assert (story.sent, story.exited, story.killed) == (True, exited, killed)


@pytest.mark.parametrize("words", ["ls\nPermission denied\nend", "true"])
def test_lines_of_the_command_are_no_complaints(words: str) -> None:
    """ssh repeats it in its log as it is."""
    story = Story(words.count("\n"))
    log = f"debug1: Sending command: {words}\ndebug1: client_input_channel_req: channel 0 rtype x\n"
    story.feed(f"{log}Connection reset by peer\n".encode())
    assert story.last_words == "Connection reset by peer"
    assert story.sent


def test_output_that_is_seen_together_with_its_start_is_the_commands(tmp_path: Path) -> None:
    """ssh was quicker than we: its log and the command's words are there at the first look."""
    ssh = tmp_path / "ssh"
    ssh.write_text(
        "#!/bin/sh\necho 'debug1: Sending command: x' >>\"$2\"\nprintf words >&2\nexec sleep 600\n"
    )
    ssh.chmod(0o755)
    engine = ThreadEngine()
    target = ProgramTarget("box", "ssh", (str(ssh),), "box")
    process = SSHProcess("x", target, engine.lock())
    try:
        [stderr] = [each for each, stream in process._open.items() if stream == "stderr"]
        assert select.select([stderr], [], [], 30.0)[0]
        process.begin(Deadline("open", 30.0, engine.now))
        assert process.receive(30.0) == Data("stderr", b"words")
    finally:
        process.close()
