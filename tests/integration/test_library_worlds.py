"""The library in other people's processes: threads, gevent's patches, asyncio, notebooks."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from opsrun.lab import Lab

LIMIT = 120.0
"""Seconds after which a script that hangs fails its test."""


def run(
    tmp_path: Path, script: str, *args: object, first: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a script of a user's as a program of its own."""
    path = tmp_path / "script.py"
    path.write_text(f"{first}\n{textwrap.dedent(script)}")
    return subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", str(path), *map(str, args)],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


def answer(tmp_path: Path, script: str, *args: object, first: str = "") -> Any:
    """What a script prints as JSON; it must print nothing else, nowhere."""
    ended = run(tmp_path, script, *args, first=first)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    return json.loads(ended.stdout)


@pytest.fixture
def everywhere(few_hosts: Lab, tmp_path: Path) -> Path:
    """An inventory of every way that starts children, and one over plain SSH, and one away."""
    config = few_hosts.ssh_config
    path = tmp_path / "every.yml"
    proxied = f"-F {config} -o 'ProxyCommand=ssh -F {config} -W %h:%p web02'"
    hosts = {
        "here": {"ansible_connection": "local"},
        "web01": {"ansible_ssh_common_args": f"-F {config}"},
        "web03": {"ansible_ssh_common_args": proxied},
        "db01": {"ansible_connection": "ssh_binary", "ansible_ssh_common_args": f"-F {config}"},
        "away": {"ansible_host": "127.0.0.1", "ansible_port": 1},
    }
    path.write_text(json.dumps({"all": {"hosts": hosts}}))
    return path


STATE = """
import asyncio, json, locale, logging, os, signal, socket
import subprocess, sys, threading, time, warnings

forks = []
os.register_at_fork(before=lambda: forks.append("fork"))

def state():
    root = logging.getLogger()
    umask = os.umask(0o77)
    os.umask(umask)
    return {
        "signals": [repr(signal.getsignal(n)) for n in range(1, 32)],
        "wakeup": signal.set_wakeup_fd(-1),
        "streams": [id(sys.stdin), id(sys.stdout), id(sys.stderr), id(sys.__stdout__)],
        "logging": [root.level, list(map(repr, root.handlers)), logging.root.manager.disable],
        "loggers": sorted(n for n, l in root.manager.loggerDict.items()
                          if getattr(l, "handlers", None)),
        "functions": [repr(f) for f in (socket.socket, socket.getaddrinfo, time.sleep, os.fork,
                      os.waitpid, subprocess.Popen, threading.Thread, threading.Lock, print)],
        "hooks": [repr(sys.excepthook), repr(threading.excepthook), repr(sys.unraisablehook)],
        "places": [os.getcwd(), umask, locale.setlocale(locale.LC_ALL), sys.path[:]],
        "environ": dict(os.environ),
        "warnings": len(warnings.filters),
        "threads": sorted(t.name for t in threading.enumerate() if not t.daemon),
    }
"""

EVERY_WAY = """
    import opsrun
    from opsrun import Fleet
    before = state()
    said = {}
    with Fleet(sys.argv[1]) as fleet:
        for _ in range(2):
            report = fleet.exec("echo told; echo more >&2; exit 3", hosts="all")
        for result in report:
            said[result.host] = [str(result.outcome), result.rc, result.out, result.err]
        killed = fleet.exec("kill -TERM $$", hosts="here")["here"].signal
    after = state()
    changed = [key for key in before if before[key] != after[key]]
    print(json.dumps({"said": said, "killed": killed, "changed": changed, "forks": len(forks)}))
"""


@pytest.mark.parametrize(
    "first",
    [
        "",
        "from gevent import monkey; monkey.patch_all()",
        "from gevent import monkey; monkey.patch_all(subprocess=False, os=False, signal=False)",
    ],
    ids=["plain", "patched", "patched in part"],
)
def test_a_run_changes_nothing_of_its_process(everywhere: Path, tmp_path: Path, first: str) -> None:
    """Nothing is patched, printed or logged, no signal handled; children are spawned, not forked,
    and their statuses are told, whoever reaps children there."""
    got = answer(tmp_path, EVERY_WAY, everywhere, first=f"{first}\n{STATE}")
    told = ["failed", 3, "told\n", "more\n"]
    away = got["said"].pop("away")
    assert got["said"] == dict.fromkeys(("here", "web01", "web03", "db01"), told)
    assert away == ["unreachable", None, "", ""]
    assert got["killed"] == "TERM"
    assert got["changed"] == []
    assert got["forks"] == 0


def test_a_childs_status_is_known_where_gevent_reaps_every_child(tmp_path: Path) -> None:
    """gevent's SIGCHLD handler is there as soon as anybody uses its subprocess."""
    path = tmp_path / "here.ini"
    path.write_text("here ansible_connection=local\n")
    script = """
    import json, subprocess, sys
    subprocess.run(["true"])
    from opsrun import Fleet
    fleet = Fleet(sys.argv[1])
    found = [fleet.exec("exit 7", "here")["here"].rc for _ in range(20)]
    print(json.dumps(found))
    """
    first = "from gevent import monkey; monkey.patch_all()"
    assert answer(tmp_path, script, path, first=first) == [7] * 20


def test_an_inventory_script_is_spawned_in_a_patched_process(tmp_path: Path) -> None:
    program = tmp_path / "hosts.sh"
    program.write_text('#!/bin/sh\necho \'{"web": {"hosts": ["a", "b"]}}\'\n')
    program.chmod(0o755)
    script = """
    from opsrun import Fleet
    print(json.dumps([Fleet(sys.argv[1]).hosts("web"), len(forks)]))
    """
    first = f"from gevent import monkey; monkey.patch_all()\n{STATE}"
    assert answer(tmp_path, script, program, first=first) == [["a", "b"], 0]


def test_several_fleets_at_once_in_threads(few_hosts: Lab, tmp_path: Path) -> None:
    script = """
    import json, sys, threading
    from opsrun import Fleet
    found = {}
    def work(number):
        fleet = Fleet(sys.argv[1])
        with fleet:
            reports = [fleet.exec(f"echo {number} {{host}}", hosts="all") for _ in range(3)]
        found[number] = sorted({(r.host, r.out) for report in reports for r in report})
    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    # A connection's thread may still be on its way out.
    for thread in threading.enumerate():
        if thread is not threading.main_thread(): thread.join(60)
    print(json.dumps([found, threading.active_count()]))
    """
    found, threads = answer(tmp_path, script, few_hosts.inventory)
    names = sorted(host.name for host in few_hosts.hosts)
    assert found == {
        str(number): [[name, f"{number} {name}\n"] for name in names] for number in range(4)
    }
    assert threads == 1


def test_one_fleets_connections_in_several_threads(few_hosts: Lab, tmp_path: Path) -> None:
    script = """
    import json, sys, threading
    from opsrun import Fleet
    found = []
    def work(number):
        for _ in range(3):
            report = fleet.exec(f"echo {number} {{host}}", hosts="all")
            found.extend((r.host, r.out == f"{number} {r.host}\\n") for r in report)
    with Fleet(sys.argv[1]) as fleet:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
    print(json.dumps([len(found), all(good for _, good in found)]))
    """
    assert answer(tmp_path, script, few_hosts.inventory) == [4 * 3 * len(few_hosts.hosts), True]


@pytest.mark.parametrize("first", ["", "from gevent import monkey; monkey.patch_all()"])
def test_asyncio_goes_on_meanwhile(few_hosts: Lab, tmp_path: Path, first: str) -> None:
    """The loop runs while hosts work; what is cancelled is over on the hosts, too."""
    script = """
    import asyncio, json, os, pathlib, sys
    from opsrun import CommandFailed, Fleet, UsageError
    fleet, folder = Fleet(sys.argv[1]), pathlib.Path(sys.argv[2])
    async def main():
        fifo = folder / "fifo"
        os.mkfifo(fifo)
        waiting = asyncio.ensure_future(fleet.aexec(f"cat {fifo}", hosts="web01"))
        # This loop writes what the host waits for: one of them alone would never end.
        while True:
            try:
                descriptor = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
                break
            except OSError:
                await asyncio.sleep(0.01)
        os.write(descriptor, b"from the loop")
        os.close(descriptor)
        told = [(await waiting)["web01"].out]

        both = (fleet.aexec("echo {host}", hosts=hosts) for hosts in ("web", "db"))
        reports = await asyncio.gather(*both)
        told.append(sorted(result.out for report in reports for result in report))

        pid = folder / "pid"
        task = asyncio.ensure_future(
            fleet.aexec(f"echo $$ > {pid}.new; mv {pid}.new {pid}; exec sleep 600", hosts="web01"))
        while not pid.exists():
            await asyncio.sleep(0.01)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            told.append("cancelled")
        told.append(pathlib.Path("/proc", pid.read_text().strip()).exists())

        put = await fleet.aput((), folder / "motd", hosts="db01", content=b"hello")
        got = await fleet.aget(folder / "motd", folder / "back", hosts="db01")
        told += [str(put["db01"].outcome), (folder / "back/db01/motd").read_text()]

        told.append(str((await fleet.async_(folder / "site", folder / "copy", "db01"))["db01"]
            .outcome))
        told.append((await fleet.aping("web", count=2))["web02"].data["received"])
        # Both wait for this loop: the one for what it does, the other for ever.
        later, never = folder / "later", folder / "never"
        both = [asyncio.ensure_future(fleet.await_(f"file:{path}", "web", timeout=None))
            for path in (later, never)]
        await asyncio.sleep(0)
        later.touch()
        told.append((await both[0]).exit_status())
        both[1].cancel()
        told.append([str(each) for each in await asyncio.gather(both[1], return_exceptions=True)])

        async with fleet.exec("echo {host}", hosts="web", wait=False) as handle:
            told.append(sorted([result.host async for result in handle]))
        try:
            await fleet.aexec("true", hosts="web", timeout=-1)
        except UsageError as error:
            told.append(str(error))
        return told
    print(json.dumps(asyncio.run(main(), debug=True)))
    """
    names = ["web01", "web02", "web03"]
    (tmp_path / "site").mkdir()
    assert answer(tmp_path, script, few_hosts.inventory, tmp_path, first=first) == [
        "from the loop",
        [f"{name}\n" for name in ["db01", *names]],
        "cancelled",
        False,
        "changed",
        "hello",
        "changed",
        2,
        0,
        [""],
        names,
        "timeout: expected seconds above 0, found -1 (int)",
    ]


CELLS = [
    "from opsrun import Fleet; fleet = Fleet({inventory!r})",
    "report = fleet.exec('echo \"<b>\"{{host}}\"</b>\"', hosts='web'); report",
    "await fleet.aexec('echo {{host}}', hosts='db')",
    "fleet.on('db01').run('exit 3')",
    "len(fleet.exec('true', hosts='web', wait=False).report())",
]

KERNEL = """
import json, sys
from jupyter_client.manager import start_new_kernel

manager, client = start_new_kernel(startup_timeout=240)
told = []
try:
    for cell in json.loads(sys.argv[1]):
        outputs = []
        answer = client.execute_interactive(
            cell, timeout=240, output_hook=lambda message: outputs.append(
                [message["msg_type"], message["content"]]))
        told.append([answer["content"]["status"], outputs])
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
print(json.dumps(told))
"""


def test_cells_of_a_notebook(few_hosts: Lab, tmp_path: Path) -> None:
    """In a real kernel, whose own loop is running: plain calls, await, tables, errors."""
    if importlib.util.find_spec("ipykernel") is None:
        pytest.skip("ipykernel is not installed")
    cells = [cell.format(inventory=str(few_hosts.inventory)) for cell in CELLS]
    ended = run(tmp_path, KERNEL, json.dumps(cells))
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout.splitlines()[-1])
    assert [status for status, _ in told] == ["ok", "ok", "ok", "error", "ok"]
    kinds = [[kind for kind, _ in outputs if kind != "status"] for _, outputs in told]
    assert [[k for k in each if k not in ("execute_input",)] for each in kinds] == [
        [],
        ["execute_result"],
        ["execute_result"],
        ["error"],
        ["execute_result"],
    ], "a cell printed something"
    shown = dict(told[1][1])["execute_result"]["data"]
    assert "&lt;b&gt;web01&lt;/b&gt;" in shown["text/html"]
    assert "ok 3" in shown["text/plain"]
    raised = dict(told[3][1])["error"]
    assert raised["ename"] == "CommandFailed"
    assert raised["evalue"] == "db01: run: exit status 3"
    assert dict(told[4][1])["execute_result"]["data"]["text/plain"] == "3"
