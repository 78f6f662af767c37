"""``opsrun exec`` on real SSH hosts, as an operator uses it."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.cli import command, opsrun
from support.processes import wait_gone

from opsrun.lab import Lab

ENGINES = ("gevent", "threads")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_fifty_hosts_each_answer_for_themselves(lab: Lab, engine: str) -> None:
    ran = opsrun(
        "exec", "-i", lab.inventory, "--engine", engine, "-o", "json",
        "echo $OPSRUN_HOST; echo to-stderr >&2", "--hosts", "all",
    )  # fmt: skip
    assert ran.status == 0, ran.err
    assert len(ran.results) == 52
    for host, result in ran.results.items():
        assert result["stdout"] == f"{host}\n"
        assert result["stderr"] == "to-stderr\n"
        assert (result["outcome"], result["rc"], result["signal"]) == ("ok", 0, None)
    assert ran.document["summary"]["ok"] == 52


def test_df_of_the_readme(lab: Lab) -> None:
    ran = opsrun("exec", "-q", "-i", lab.inventory, "df", "-P", "/", "--hosts", "web[01-03]")
    assert ran.status == 0
    heads = [line for line in ran.out.splitlines() if "Filesystem" in line]
    assert sorted(line.split()[0] for line in heads) == ["web01", "web02", "web03"]


def test_outcomes_are_told_apart_and_the_worst_decides(lab: Lab, tmp_path: Path) -> None:
    inventory = tmp_path / "more.ini"
    inventory.write_text("nobody ansible_host=127.0.0.1 ansible_port=1\n")
    script = "case $OPSRUN_HOST in web01) exit 3;; web02) kill -9 $$;; *) :;; esac"
    ran = opsrun(
        "exec", "-i", lab.inventory, "-i", inventory, "-o", "jsonl",
        "-w", "web[01-03],nobody", "--", script,
    )  # fmt: skip
    assert ran.status == 3
    ends = {h: (r["outcome"], r["rc"], r["signal"]) for h, r in ran.results.items()}
    assert ends == {
        "web01": ("failed", 3, None),
        "web02": ("failed", None, "KILL"),
        "web03": ("ok", 0, None),
        "nobody": ("unreachable", None, None),
    }
    error = ran.results["nobody"]["error"]
    assert error["phase"] == "tcp"
    assert "connection refused" in error["message"]
    assert ran.lines[0]["type"] == "run"
    summary = ran.lines[-1]
    assert summary["type"] == "summary"
    counts = (summary["ok"], summary["failed"], summary["unreachable"], summary["lost"])
    assert counts == (1, 2, 1, 0)


def test_the_largest_remote_status_with_maxrc(lab: Lab) -> None:
    script = "test $OPSRUN_HOST = web02 && exit 42; exit 7"
    ran = opsrun("exec", "-i", lab.inventory, "-S", "-q", "-w", "web[01-03]", "--", script)
    assert ran.status == 42


def test_bytes_survive(lab: Lab) -> None:
    script = r"printf 'caf\351 \000 ok'"
    ran = opsrun("exec", "-i", lab.inventory, "-o", "jsonl", "-w", "web01", "--", script)
    result = ran.results["web01"]
    assert result["stdout"] == "caf� \x00 ok"
    assert base64.b64decode(result["stdout_base64"]) == b"caf\xe9 \x00 ok"


def test_standard_input_reaches_every_host_and_is_empty_otherwise(lab: Lab, engine: str) -> None:
    words = ("exec", "-i", lab.inventory, "--engine", engine, "-o", "json", "-w", "web[01-02]")
    data = os.urandom(3 * 1024 * 1024)
    ran = opsrun(*words, "--stdin", "--", "sha256sum", stdin=data)
    import hashlib

    expected = hashlib.sha256(data).hexdigest() + "  -\n"
    assert {r["stdout"] for r in ran.results.values()} == {expected}
    ran = opsrun(*words, "--", "cat; read x; echo $?")
    assert {r["stdout"] for r in ran.results.values()} == {"1\n"}


def test_environment_is_quoted(lab: Lab) -> None:
    value = 'a\'b "c" $(id) ; * \\'
    ran = opsrun(
        "exec", "-i", lab.inventory, "-o", "json", "-w", "web01", "--env", f"X={value}",
        "--", 'printf %s "$X"',
    )  # fmt: skip
    assert ran.results["web01"]["stdout"] == value


def test_a_command_past_its_limit_is_ended_on_the_host(lab: Lab, engine: str) -> None:
    ran = opsrun(
        "exec", "-i", lab.inventory, "--engine", engine, "-o", "json", "-w", "web01",
        "--command-timeout", "0.5", "--", "echo $$; exec sleep 600",
    )  # fmt: skip
    assert ran.status == 1
    result = ran.results["web01"]
    assert result["outcome"] == "failed"
    assert result["error"]["phase"] == "run"
    assert "still running after 0.5 s; it was ended" in result["error"]["message"]
    pid = int(result["stdout"])
    assert wait_gone(pid)


def test_fold_shows_identical_output_once(lab: Lab) -> None:
    script = "test $OPSRUN_HOST = web05 && echo other || echo same"
    ran = opsrun("exec", "-i", lab.inventory, "-B", "-q", "-w", "web[01-20]", "--", script)
    assert ran.status == 0
    assert ran.out.count("same") == 1
    assert "web[01-04,06-20] (19)" in ran.out
    assert ran.out.index("(19)") < ran.out.index("web05")


def test_serial_and_max_fail_stop_before_later_batches(lab: Lab) -> None:
    ran = opsrun(
        "exec", "-i", lab.inventory, "-o", "json", "--serial", "2", "--max-fail", "1",
        "-w", "web[01-06]", "--", "false",
    )  # fmt: skip
    assert ran.status == 1
    outcomes = [ran.results[f"web0{n}"]["outcome"] for n in range(1, 7)]
    assert outcomes == ["failed"] * 2 + ["cancelled"] * 4


def test_fail_fast_ends_the_others_and_what_they_run(lab: Lab) -> None:
    script = "if test $OPSRUN_HOST = web01; then sleep 1; exit 1; fi; echo $$; exec sleep 600"
    ran = opsrun(
        "exec", "-i", lab.inventory, "-o", "json", "--fail-fast", "-w", "web[01-04]", "--", script
    )
    assert ran.status == 1
    for number in (2, 3, 4):
        result = ran.results[f"web0{number}"]
        assert result["outcome"] == "cancelled"
        assert wait_gone(int(result["stdout"]))


def test_an_unknown_host_key_is_refused_and_accept_new_records_it(
    sshd: object, tmp_path: Path
) -> None:
    lab: Lab = sshd(hosts=1)  # type: ignore[operator]
    host = lab.hosts[0]
    known = tmp_path / "known_hosts"
    inventory = tmp_path / "inventory.ini"
    inventory.write_text(
        f"{host.name} ansible_host={host.address} ansible_port={host.port} "
        f"ansible_user={lab.user} ansible_ssh_private_key_file={lab.private_key} "
        f"ansible_ssh_common_args='-o UserKnownHostsFile={known}'\n"
    )
    words = ("exec", "-i", inventory, "-w", host.name, "-o", "json")
    refused = opsrun(*words, "true")
    assert refused.status == 3
    error = refused.results[host.name]["error"]
    assert error["phase"] == "hostkey"
    assert "SHA256:" in error["message"]
    assert not known.exists()
    accepted = opsrun(*words, "--host-key-checking", "accept-new", "--", "true")
    assert accepted.status == 0, accepted.err
    assert opsrun(*words, "true").status == 0


def test_outdir_keeps_each_hosts_output(lab: Lab, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    ran = opsrun(
        "exec", "-i", lab.inventory, "-q", "--outdir", kept, "-w", "web[01-02]",
        "--", "echo $OPSRUN_HOST",
    )  # fmt: skip
    assert ran.status == 0
    assert (kept / "web01.out").read_text() == "web01\n"
    assert (kept / "web01.out").stat().st_mode & 0o777 == 0o600


def test_a_closed_reader_ends_the_run_quietly(lab: Lab, engine: str) -> None:
    words = command("exec", "-i", lab.inventory, "--engine", engine, "-w", "web01", "--", "yes")
    process = subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline().rstrip().endswith(b"y")
    process.stdout.close()
    assert process.stderr is not None
    error = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 141
    assert b"Traceback" not in error


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_ends_the_commands_and_names_the_hosts(
    lab: Lab, engine: str, number: int, status: int
) -> None:
    words = command(
        "exec", "-i", lab.inventory, "--engine", engine, "-w", "web[01-03]",
        "--", "echo $$; exec sleep 600",
    )  # fmt: skip
    process = subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    pids = [int(process.stdout.readline().split()[-1]) for _ in range(3)]
    process.send_signal(number)
    _, error = process.communicate(timeout=60)
    assert process.returncode == status
    assert "web[01-03]" in error
    assert "Traceback" not in error
    for pid in pids:
        assert wait_gone(pid)


def test_an_interrupt_while_nobody_reads_ends_in_good_order(
    lab: Lab, engine: str, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    os.mkfifo(go)
    words = command(
        "exec", "-i", lab.inventory, "--engine", engine, "-w", "web01",
        # Not before the number has been read: behind a full output it would wait for ever.
        "--", f"echo $$ >&2; read x <{go}; exec yes",
    )  # fmt: skip
    process = subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert process.stdout is not None
    pid = int(process.stderr.readline().split()[-1])
    go.write_text("x\n")
    assert process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    # Standard output fills up and stays so.
    assert process.wait(60) == 143
    assert wait_gone(pid)
    assert "at once" not in process.stderr.read()
    process.stdout.close()
    process.stderr.close()


def test_what_was_shown_is_not_kept(lab: Lab) -> None:
    code = (
        "import resource, sys\n"
        "from opsrun.cli.main import main\n"
        f"main(['exec', '-i', {str(lab.inventory)!r}, '-w', 'web[01-12]', "
        "'--', 'yes 0123456789 | head -c 12000000; exit 0'], standalone_mode=False)\n"
        "peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "print(peak, file=sys.stderr)\n"
    )

    def peak(size: int) -> int:
        sized = code.replace("12000000", str(size))
        done = subprocess.run(
            [sys.executable, "-c", sized],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            check=True,
        )
        return int(done.stderr.split()[-1])

    # In KiB. All of it kept would be 144 MB; the windows of twelve hosts and what waits to be shown
    # are about 60 together, and malloc(3) makes more of that.
    assert peak(12_000_000) - peak(1) < 110_000


def test_threads_never_import_gevent(lab: Lab) -> None:
    code = (
        "import sys\n"
        "from opsrun.cli.main import main\n"
        f"main(['exec', '-i', {str(lab.inventory)!r}, '--engine', 'threads', '-q', "
        "'-w', 'web[01-02]', '--', 'true'], standalone_mode=False)\n"
        "import threading\n"
        "assert 'paramiko' in sys.modules and 'gevent' not in sys.modules\n"
        "print(threading.enumerate())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.count("started") == 1, done.stdout


def test_ping_measures_and_tells_why_not(lab: Lab, tmp_path: Path) -> None:
    inventory = tmp_path / "more.ini"
    inventory.write_text("nobody ansible_host=127.0.0.1 ansible_port=1\n")
    ran = opsrun("ping", "-i", lab.inventory, "-i", inventory, "-w", "web01,nobody", "-o", "json")
    assert ran.status == 3
    data = ran.results["web01"]["data"]
    assert 0 < data["round_trip"] < data["login"] + data["round_trip"]
    assert ran.results["nobody"]["error"]["phase"] == "tcp"


def test_wait_for_ssh_and_a_port(lab: Lab) -> None:
    port = lab.hosts[0].port
    ran = opsrun(
        "wait", "-i", lab.inventory, "-w", lab.hosts[0].name, "--for", "ssh",
        "--for", f"tcp:{port}", "-o", "json",
    )  # fmt: skip
    assert ran.status == 0, ran.err
    assert ran.results[lab.hosts[0].name]["data"][f"tcp:{port}"]["attempts"] == 1


def test_wait_gives_up_with_a_clear_word(lab: Lab) -> None:
    ran = opsrun(
        "wait", "-i", lab.inventory, "-w", "web01", "--for", "tcp:1", "--timeout", "0.3",
        "-o", "json",
    )  # fmt: skip
    assert ran.status == 1
    message = ran.results["web01"]["error"]["message"]
    assert message.startswith("tcp:1 was not ready after 0.")
    assert "connection refused" in message


def test_local_connection_goes_the_same_way(engine: str, tmp_path: Path) -> None:
    inventory = tmp_path / "hosts"
    inventory.write_text("here ansible_connection=local\n")
    ran = opsrun(
        "exec", "-i", inventory, "--engine", engine, "-o", "json", "-w", "here",
        "--", "echo out; echo err >&2; exit 5",
    )  # fmt: skip
    assert ran.status == 1
    result = ran.results["here"]
    assert (result["stdout"], result["stderr"], result["rc"]) == ("out\n", "err\n", 5)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["true"], "which hosts?"),
        (["-w", "wbe", "true"], "did you mean 'web'"),
        (["-w", "web", "true", "--fold"], "--fold after the command's first word"),
        (["-w", "web"], "no command"),
        (["-w", "web", "-b", "--become-user", "-x", "true"], "--become-user: '-x' is no user name"),
        (["-w", "web", "--become-user", "bob", "true"], "say --become (-b) too"),
        (["-w", "web", "-b", "--become-password-file", "/nonexistent", "true"], "No such file"),
        (["-w", "web", "-b", "-K", "true"], "no terminal to ask on"),
        (["-w", "web", "-K", "--become-password-file", "x", "true"], "both say where"),
        (["-w", "web", "-J", "-oProxyCommand=x", "true"], "is no host name"),
        (["-w", "web", "-q", "-v", "true"], "opposite"),
        (["-w", "web", "--max-fail", "x", "true"], "--max-fail takes a number or a percentage"),
        (["-w", "web", "--env", "novalue", "true"], "--env takes NAME=VALUE"),
        (["-w", "web", "--env", "1x=2", "true"], "no name for an environment variable"),
        (["-w", "web", "--private-key", "/nonexistent", "true"], ""),
    ],
)
def test_mistakes_end_with_2_before_any_connection(
    tmp_path: Path, words: list[str], message: str
) -> None:
    inventory = tmp_path / "hosts"
    inventory.write_text("[web]\nweb01.invalid\n")
    ran = opsrun("exec", "-i", inventory, *words)
    if message:
        assert ran.status == 2
        assert message in ran.err
    else:
        assert ran.status in (2, 3)
    assert ran.err.count("\n") <= 3


def test_output_past_the_cap_is_kept_whole_in_a_file(lab: Lab, tmp_path: Path) -> None:
    ran = opsrun(
        "exec", "-i", lab.inventory, "-o", "json", "-w", "web01", "--",
        "head -c 12000000 /dev/zero; head -c 12000000 /dev/zero >&2",
        env=dict(os.environ, TMPDIR=str(tmp_path)),
    )  # fmt: skip
    assert ran.status == 0, ran.err
    result = ran.results["web01"]
    assert result["truncated"]
    assert len(result["stdout"]) == len(result["stderr"]) == 10 * 1024 * 1024
    for stream in ("stdout", "stderr"):
        kept = Path(result["data"][f"{stream}_file"])
        assert kept.is_relative_to(tmp_path)
        assert kept.read_bytes() == bytes(12_000_000)
