"""``opsrun put``, ``get`` and ``sync`` as an operator types them."""

from __future__ import annotations

import grp
import json
import os
import pwd
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.cli import Ran, command, opsrun
from support.copying import left_behind, mode

from opsrun.cli.main import entry_point
from opsrun.lab import Lab

Type = Callable[..., Ran]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("inventory").write_text("[all]\nweb01\nweb02\n[all:vars]\nansible_connection=local\n")
    Path("there").mkdir()
    Path("motd").write_text("hello\n")
    Path("motd").chmod(0o644)


@pytest.fixture
def typed(capfd: pytest.CaptureFixture[str]) -> Type:
    """Runs ``opsrun COMMAND`` in this process, on web01: nothing has to be imported anew."""

    def run(verb: str, *words: str | Path, hosts: str = "web01") -> Ran:
        capfd.readouterr()
        where = ["-i", "inventory", "-w", hosts, "--engine", "threads"]
        with pytest.raises(SystemExit) as ended:
            entry_point([verb, *where, *map(str, words)])
        out, err = capfd.readouterr()
        assert "Traceback" not in err, err
        assert isinstance(ended.value.code, int)
        return Ran(ended.value.code, out, err)

    return run


def data(ran: Ran) -> dict[str, Any]:
    """What the only host's result says, of ``-o json``."""
    assert ran.status == 0, ran.err
    [result] = ran.results.values()
    return dict(result["data"])


# -- mistakes that are found before any host is reached


@pytest.fixture
def unreachable() -> None:
    """No host is ever reached: who asks one has failed."""
    Path("inventory").write_text("web01.invalid\n")


@pytest.mark.usefixtures("unreachable")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["put", "mtod", "/tmp/x"], "can't read mtod: No such file or directory; did you mean"),
        (["put", "*.conf", "/tmp/x"], "no file here fits *.conf"),
        (["put", "motd"], "put needs what to copy and where to"),
        (["put"], "put needs what to copy and where to"),
        (
            ["put", "motd", "web01.invalid:x"],
            "`opsrun put motd x --hosts web01.invalid` (a file of that name is ./web01.invalid:x)",
        ),
        (["put", "motd", ""], "an empty name leads nowhere"),
        (["put", "", "x"], "an empty name leads nowhere"),
        (["put", "motd", "x", "--mode", "0999"], "a mode is octal (0644) or symbolic"),
        (["put", "motd", "x", "--mode", "u+q"], "a mode is octal (0644) or symbolic"),
        (["put", "motd", "x", "--owner", "a:b"], "can't be the name of an owner"),
        (["put", "motd", "x", "--group", "-x"], "can't be the name of a group"),
        (["put", "motd", "x", "--validate", "nginx -t"], "needs %s for the file's place"),
        (["put", "motd", "x", "--bwlimit", "fast"], "is no rate"),
        (["put", "motd", "x", "--bwlimit", "0"], "is no rate"),
        (["put", "motd", "x", "--bwlimit-total", "-1M"], "is no rate"),
        (["put", "motd", "x", "--exclude", "["], "this [ is not closed"),
        (["put", "motd", "x", "--exclude-from", "nowhere"], "can't read nowhere"),
        (
            ["put", "motd", "x", "--exclude-from", "bad.rules"],
            "bad.rules:2:1: this [",
        ),
        (["put", "motd", "sub/motd", "x"], "would both become motd"),
        (["put", "-", "motd", "x"], "can only be copied alone"),
        (["put", "-", "x/"], "standard input has no name"),
        (["put", "pipe", "x"], "is no file and no directory"),
        (["put", "tree", "x", "-b", "-K"], "no terminal to ask on"),
        (["get", "/etc/motd"], "get needs what to copy and where to"),
        (["get", "-", "x"], "get has no use for -"),
        (["get", "/etc/motd", "motd"], "motd is no directory, and each host gets a folder in it"),
        (["get", "/etc/motd", "x", "--mode", "rw"], "a mode is octal"),
        (["sync", "motd", "x"], "motd is no directory; `opsrun put` sends files"),
        (["sync", "-", "x"], "sync takes a directory"),
        (["sync", "tree", "sub", "x"], "sync takes one directory"),
        (["sync", "trea", "x"], "did you mean"),
    ],
)
def test_mistakes_end_with_2_before_any_connection(
    capfd: pytest.CaptureFixture[str], words: list[str], message: str, network_attempts: list[str]
) -> None:
    Path("sub").mkdir()
    Path("sub/motd").write_text("x")
    Path("tree").mkdir()
    Path("bad.rules").write_text("*.o\n[\n")
    os.mkfifo("pipe")
    with pytest.raises(SystemExit) as ended:
        entry_point([words[0], "-i", "inventory", "-w", "all", "--engine", "threads", *words[1:]])
    err = capfd.readouterr().err
    assert ended.value.code == 2, err
    assert message in err
    assert "Traceback" not in err
    assert network_attempts == []


@pytest.mark.root
def test_a_source_that_can_not_be_read_is_found_first(unreachable: None) -> None:
    Path("secret").write_text("x")
    Path("secret").chmod(0)
    words = command("put", "-i", "inventory", "-w", "all", "secret", "/tmp/x")
    # Root may read everything, so somebody else has to try.
    done = subprocess.run(
        ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all", *words],
        capture_output=True, stdin=subprocess.DEVNULL, check=False, text=True,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "can't read secret: Permission denied" in done.stderr


# -- what people see


def test_what_a_put_says(typed: Type) -> None:
    ran = typed("put", "motd", "there/")
    assert ran.status == 0
    assert "1 file sent (6 B)" in ran.out
    assert "changed 1" in ran.out + ran.err
    ran = typed("put", "motd", "there/")
    assert ran.status == 0
    assert "1 file unchanged" in ran.out
    assert "ok 1" in ran.out + ran.err
    ran = typed("put", "-v", "motd", "there/other")
    assert "+ other" in ran.out


def test_what_goes_wrong_is_said_for_each_host(typed: Type) -> None:
    ran = typed("put", "motd", "nowhere/deep/motd", hosts="all")
    assert ran.status == 1
    assert ran.err.count("nowhere/deep is not there") + ran.out.count("nowhere/deep is not") >= 1
    assert "--parents" in ran.err + ran.out
    ran = typed("put", "-o", "json", "motd", "nowhere/deep/motd", hosts="all")
    assert {result["outcome"] for result in ran.results.values()} == {"failed"}
    assert {result["error"]["phase"] for result in ran.results.values()} == {"run"}


def test_a_dry_run_shows_its_plan(typed: Type) -> None:
    Path("tree/sub").mkdir(parents=True)
    Path("tree/sub/a").write_text("a")
    Path("there/old").write_text("old")
    ran = typed("sync", "-n", "--delete", "tree", "there")
    assert ran.status == 0
    assert [line.strip() for line in ran.out.splitlines()][1:4] == ["+ sub/", "+ sub/a", "- old"]
    assert "would be sent" in ran.out
    assert os.listdir("there") == ["old"]
    ran = typed("put", "-n", "tree", "there")
    assert "+ tree/sub/a" in ran.out
    assert os.listdir("there") == ["old"]


def test_the_fields_of_a_result_are_those_of_the_manual(typed: Type) -> None:
    ran = typed("put", "-o", "jsonl", "motd", "there/")
    [result] = [line for line in ran.lines if line["type"] == "result"]
    assert set(result["data"]) == {
        "changed", "verb", "files", "bytes", "transferred", "seconds", "others", "attributes",
        "deleted", "unchanged", "changes", "checksum",
    }  # fmt: skip
    told = [line for line in ran.lines if line["type"] == "progress"]
    assert told[0] == {"type": "progress", "host": "web01", "done": 0, "total": 6} | {
        name: told[0][name] for name in told[0].keys() - {"type", "host", "done", "total"}
    }


# -- put


def test_modes_and_owners(typed: Type) -> None:
    me, mine = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
    words = ["--mode", "u=rw,g=r,o=", "--owner", me, "--group", mine]
    assert data(typed("put", "-o", "json", "motd", "there/", *words))["files"] == 1
    assert mode("there/motd") == 0o640
    assert data(typed("put", "-o", "json", "motd", "there/", *words))["changed"] is False
    ran = typed("put", "motd", "there/", "--owner", "nobody-of-that-name")
    assert ran.status == 1
    assert "nobody-of-that-name" in ran.err + ran.out


def test_times_and_setuid(typed: Type) -> None:
    os.utime("motd", (1_000_000_000, 1_000_000_000))
    Path("motd").chmod(0o4750)
    typed("put", "-p", "motd", "there/")
    assert (mode("there/motd"), os.stat("there/motd").st_mtime) == (0o750, 1_000_000_000)
    typed("put", "-p", "--keep-setuid", "motd", "there/")
    assert mode("there/motd") == 0o4750
    Path("motd").chmod(0o644)
    typed("put", "--mode", "04755", "motd", "there/")
    assert mode("there/motd") == 0o4755


def test_backup_and_validate(typed: Type) -> None:
    Path("there/motd").write_text("old")
    ran = typed("put", "--validate", "grep goodbye %s", "motd", "there/")
    assert ran.status == 1
    assert "there/motd is not valid" in ran.err + ran.out
    assert Path("there/motd").read_text() == "old"
    [kept] = data(
        typed("put", "-o", "json", "--backup", "--validate", "grep hello %s", "motd", "there/")
    )["backups"]
    assert Path("there", kept).read_text() == "old"
    assert Path("there/motd").read_text() == "hello\n"
    assert left_behind("there") == []


def test_links(typed: Type) -> None:
    Path("real").write_text("old")
    Path("there/motd").symlink_to("../real")
    ran = typed("put", "motd", "there/motd")
    assert ran.status == 1
    assert "--follow" in ran.err + ran.out
    assert typed("put", "--follow", "motd", "there/motd").status == 0
    assert Path("real").read_text() == "hello\n"
    Path("tree").mkdir()
    Path("tree/link").symlink_to("../motd")
    typed("put", "--dereference", "tree", "there/")
    assert not Path("there/tree/link").is_symlink()


def test_missing_directories(typed: Type) -> None:
    assert typed("put", "motd", "there/a/b/c").status == 1
    assert typed("put", "--parents", "-n", "motd", "there/a/b/c").status == 0
    assert os.listdir("there") == []
    assert typed("put", "--parents", "motd", "there/a/b/c").status == 0
    assert Path("there/a/b/c").read_text() == "hello\n"


def test_excludes(typed: Type) -> None:
    Path("tree/.git").mkdir(parents=True)
    for name in ("a.o", "b.c", "keep.o", ".git/x"):
        Path("tree", name).write_text(name)
    Path("rules").write_text("# objects\n*.o\n\n.git/\n")
    words = ["--exclude", "+ keep.o", "--exclude-from", "rules"]
    assert typed("put", *words, "tree/", "there/").status == 0
    assert sorted(os.listdir("there")) == ["b.c", "keep.o"]
    Path("there/mine.o").write_text("mine")
    Path("there/extra").write_text("extra")
    assert typed("sync", "--delete", *words, "tree", "there").status == 0
    assert sorted(os.listdir("there")) == ["b.c", "keep.o", "mine.o"]


def test_rates_are_taken(typed: Type) -> None:
    assert typed("put", "--bwlimit", "10M", "--bwlimit-total", "1.5G", "motd", "there/").status == 0
    assert typed("get", "--flat", "--bwlimit", "500K", f"{Path.cwd()}/motd", "got/").status == 0


def test_several_sources_and_contents(typed: Type) -> None:
    Path("tree").mkdir()
    Path("tree/in").write_text("in")
    Path("other").write_text("other")
    assert typed("put", "motd", "other", "tree/", "there").status == 0
    assert sorted(os.listdir("there")) == ["in", "motd", "other"]
    ran = typed("put", "motd", "other", "there/in")
    assert ran.status == 1
    assert "is no directory" in ran.err + ran.out


def test_a_fifo_in_a_tree_is_told(typed: Type) -> None:
    Path("tree").mkdir()
    Path("tree/a").write_text("a")
    os.mkfifo("tree/pipe")
    for words in (["put", "tree", "there/"], ["sync", "tree", "there/mirror"]):
        ran = typed(*words, hosts="web01")
        assert ran.status == 0
        assert "left out tree/pipe: neither file, directory nor link" in ran.err
    ran = typed("get", f"{Path.cwd()}/tree", "got")
    assert ran.status == 0
    assert "left out tree/pipe" in ran.err


def test_standard_input_goes_to_every_host() -> None:
    words = ("put", "-i", "inventory", "-w", "all", "-o", "json", "--mode", "0600", "-", "there/in")
    for engine in ("gevent", "threads"):
        ran = opsrun(*words, "--engine", engine, stdin=b"\0bytes\n" + engine.encode())
        assert ran.status == 0, ran.err
        assert Path("there/in").read_bytes() == b"\0bytes\n" + engine.encode()
    assert mode("there/in") == 0o600


@pytest.mark.soak
def test_a_sparse_file_beyond_4_gib(typed: Type) -> None:
    """Quickly sent, but either side makes the checksum of all that it is."""
    size = (4 << 30) + 12_345
    with open("disk", "wb") as file:
        file.write(b"begin")
        file.seek(size - 3)
        file.write(b"end")
    said = data(typed("put", "-o", "json", "disk", "there/"))
    assert said["bytes"] == size
    assert said["transferred"] < 1 << 20
    with open("there/disk", "rb") as file:
        assert file.read(5) == b"begin"
        file.seek(-3, os.SEEK_END)
        assert file.read() == b"end"
    status = os.stat("there/disk")
    assert (status.st_size, status.st_blocks < 10_000) == (size, True)


# -- get


def test_a_folder_a_host_or_flat(typed: Type) -> None:
    source = f"{Path.cwd()}/motd"
    assert typed("get", source, "got", hosts="all").status == 0
    assert sorted(path.as_posix() for path in Path("got").rglob("motd")) == [
        "got/web01/motd", "got/web02/motd",
    ]  # fmt: skip
    ran = typed("get", "--flat", source, "flat/", hosts="all")
    assert ran.status == 1
    assert "file already" in ran.err + ran.out
    assert os.listdir("flat") == ["motd"]
    assert typed("get", "--flat", source, "flat/{host}.txt", hosts="all").status == 0
    assert sorted(os.listdir("flat")) == ["motd", "web01.txt", "web02.txt"]


def test_what_the_host_expands(typed: Type) -> None:
    for name in ("a.log", "b.log", "c.txt"):
        Path("there", name).write_text(name)
    assert typed("get", "--flat", f"{Path.cwd()}/there/*.log", "got/").status == 0
    assert sorted(os.listdir("got")) == ["a.log", "b.log"]
    ran = typed("get", f"{Path.cwd()}/there/*.nothing", "got")
    assert ran.status == 1
    assert "no file fits" in ran.err + ran.out
    ran = typed("get", f"{Path.cwd()}/there/d.log", "got")
    assert ran.status == 1
    assert "there is no" in ran.err + ran.out


def test_options_of_get(typed: Type) -> None:
    Path("there/out").symlink_to("/etc/passwd")
    Path("there/tool").write_text("tool")
    Path("there/tool").chmod(0o4755)
    os.utime("there/tool", (1_000_000_000, 1_000_000_000))
    top = f"{Path.cwd()}/there/"
    ran = typed("get", "--flat", top, "got/")
    assert ran.status == 0
    assert "left out out" in ran.err
    assert mode("got/tool") == 0o755
    ran = typed("get", "--flat", "-p", "--keep-setuid", "--unsafe-links", top, "got/")
    assert ran.status == 0
    assert (mode("got/tool"), os.stat("got/tool").st_mtime) == (0o4755, 1_000_000_000)
    assert os.readlink("got/out") == "/etc/passwd"
    Path("there/tool").write_text("another")
    typed("get", "--flat", "--backup", "--mode", "0600", "--exclude", "out", top, "got/")
    assert mode("got/tool") == 0o600
    assert len(os.listdir("got")) == 3


# -- sync


def test_options_of_sync(typed: Type) -> None:
    Path("tree").mkdir()
    Path("tree/a").write_text("a")
    assert typed("sync", "tree/", "there").status == 0
    before = os.stat("tree/a")
    Path("there/a").write_text("X")
    os.utime("there/a", ns=(before.st_mtime_ns, before.st_mtime_ns))
    assert data(typed("sync", "-o", "json", "tree", "there"))["changed"] is False
    assert data(typed("sync", "-o", "json", "--checksum", "tree", "there"))["files"] == 1
    Path("tree/a").write_text("another")
    typed("sync", "--backup", "--mode", "0640", "tree", "there")
    assert mode("there/a") == 0o640
    assert len(os.listdir("there")) == 2
    typed("sync", "--delete", "tree", "there")
    assert os.listdir("there") == ["a"]


# -- the end of it


@pytest.mark.parametrize("engine", ["gevent", "threads"])
@pytest.mark.parametrize("verb", ["put", "get", "sync"])
def test_ctrl_c_in_mid_transfer(lab: Lab, verb: str, engine: str) -> None:
    Path("tree").mkdir()
    Path("tree/large").write_bytes(os.urandom(4 << 20))
    source = "tree" if verb == "sync" else f"{Path.cwd()}/tree/"
    dest = f"{Path.cwd()}/there/"
    words = command(
        verb, "-i", lab.inventory, "-w", "web01", "--engine", engine, "-o", "jsonl",
        "--bwlimit", "200K", source, dest, *(["--flat"] if verb == "get" else []),
    )  # fmt: skip
    with subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line)["type"] == "progress" and left_behind("there"):
                break
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(60) == 130
    [result] = [event for event in map(json.loads, rest.splitlines()) if event["type"] == "result"]
    assert result["outcome"] == "cancelled"
    assert os.listdir("there") == []
