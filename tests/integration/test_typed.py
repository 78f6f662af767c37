"""A user's script that uses all of the library passes ``mypy --strict``, and wrong ones don't."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import opsrun

RIGHT = """
from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

from typing import assert_type

import opsrun
from opsrun import (
    Become, CommandFailed, ErrorInfo, Event, Fleet, FleetOptions, Host, HostError, Inventory,
    OneHost, Outcome, Output, Report, Result, RunFailed, RunHandle, Secret, Sink, Summary, WorkId,
)


class Counting:
    wants_output = False

    def __init__(self) -> None:
        self.count = 0

    def handle(self, seq: int, event: Event) -> None:
        self.count = seq

    def flush(self) -> None: ...
    def tick(self, now: float) -> None: ...
    def close(self) -> None: ...


def restart(host: Host) -> str:
    return f"systemctl restart app@{host.name}"


def tell(result: Result) -> None:
    print(result.host, result.outcome is Outcome.OK, result.out.strip(), result.stdout.hex())


def main() -> None:
    options = FleetOptions(user="deploy", password=Secret("x"), forks=10, become=Become("app"))
    fleet = Fleet.with_options(["a.yml", "b.ini"], options)
    assert_type(Fleet("web01,", user="me", private_key=["key"], become=True), Fleet)
    assert_type(fleet.inventory, Inventory)
    assert_type(fleet.hosts("web"), tuple[str, ...])
    assert_type(fleet.exec("df", hosts="web"), Report)
    assert_type(fleet.exec("df", hosts=["web", "db"], wait=True, timeout=5, pty=True), Report)
    assert_type(fleet.exec(restart, "web", wait=False, serial="10%", on_result=tell), RunHandle)
    assert_type(fleet.exec(lambda host: f"echo {host.groups}", hosts="web"), Report)
    web = fleet.select("web")
    assert_type(web, Fleet)
    assert_type(web.put("a", "/b", mode="0640", sinks=[Counting()]), Report)
    assert_type(web.get(["/a"], "b", flat=True), Report)
    assert_type(web.sync("a", "/b", delete=True), Report)
    assert_type(web.wait(["ssh", "tcp:80"], timeout=None), Report)
    assert_type(web.ping(count=3, patience=5), Report)
    assert_type(web.put("a", "/b", mode="0640", wait=False), RunHandle)
    assert_type(web.get(["/a"], "b", wait=False, flat=True), RunHandle)
    assert_type(web.sync("a", "/b", wait=False), RunHandle)
    assert_type(web.wait("ssh", timeout=None, any_of=1, wait=False), RunHandle)
    assert_type(web.ping(count=3, wait=False), RunHandle)
    assert_type(web.sync("a", "/b", wait=True), Report)

    db = fleet.on("db01")
    assert_type(db, OneHost)
    assert_type(db.run("uptime", check=False, env={"A": "b"}), Result)
    assert_type(db.run("uptime", wait=False, env={"A": "b"}), RunHandle)
    assert_type(db.put("a", "/b"), Result)
    assert_type(db.put("a", "/b", wait=False), RunHandle)
    assert_type(db.get("/a", "b", wait=True), Result)
    assert_type(db.get("/a", "b", wait=False), RunHandle)
    try:
        db.run("false", stdin=b"x")
    except CommandFailed as error:
        print(error.host, error.phase, error.hint, error.result)
    except HostError as error:
        print(error)

    for event in web.stream("tail -f log", retries=1):
        match event:
            case Output(data=data):
                assert_type(data, bytes)
            case Result(error=ErrorInfo(phase=phase)):
                assert_type(phase, str)
            case Summary(exit_status=status):
                assert_type(status, int)
            case _:
                pass
    events = web.stream("true")
    events.close()

    with web, web.exec("true", wait=False) as handle:
        assert_type(handle.results(), Iterator[Result])
        assert_type(handle.done, bool)
        assert_type(handle.report(timeout=5), Report)

    report = fleet.exec("true", hosts="all")
    try:
        report.raise_for_failures()
    except RunFailed as failed:
        for each in failed.errors:
            assert_type(each, HostError)
    print(json.dumps(report.to_dict()), report["web01"].to_dict(), report.of("web01"))
    assert_type([result.work for result in report], list[WorkId])
    sink: Sink = Counting()
    print(sink, opsrun.__version__)


async def concurrently(fleet: Fleet) -> None:
    assert_type(await fleet.aexec("true", hosts="web"), Report)
    assert_type(await fleet.aput("a", "/b", hosts="web", backup=True), Report)
    assert_type(await fleet.aget("/a", "b", hosts="web"), Report)
    assert_type(await fleet.async_("a", "/b", hosts="web", delete=True), Report)
    assert_type(await fleet.aping("web", count=2, patience=5), Report)
    assert_type(await fleet.await_(["ssh", "tcp:80"], "web", timeout=None, any_of=1), Report)
    assert_type(await fleet.put("a", "/b", hosts="web", wait=False), Report)
    both = await asyncio.gather(fleet.aexec("a", "web"), fleet.aexec("b", "db"))
    print(len(both[0]))
    async with fleet.exec("true", hosts="web", wait=False) as handle:
        async for result in handle:
            assert_type(result, Result)
        assert_type(await handle, Report)
"""

WRONG = {
    'fleet.exec("df", hosts="web", max_fial=1)': "max_fial",
    "fleet.exec(b'df', hosts='web')": "bytes",
    "fleet.exec(lambda: 'df', hosts='web')": "Callable",
    "fleet.exec('df', hosts='web').done": "done",
    "fleet.exec('df', hosts='web', wait=False).ok": "ok",
    "fleet.put('a', '/b', hosts='web', mode=0o644)": '"int"',
    "fleet.put('a', '/b', hosts='web').cancel()": "cancel",
    "fleet.sync('a', '/b', hosts='web', wait=False).counts()": "counts",
    "fleet.wait('ssh', hosts='web', wait=False).ok": "ok",
    "fleet.ping('web', wait=5)": "ping",
    "fleet.on('a').get('/a', 'b', wait=False).rc": "rc",
    "Fleet('a,', host_key_checking='yes')": "host_key_checking",
    "fleet.on('a').run('df', on_result=lambda: None)": "on_result",
    "fleet.exec('df', hosts=5)": "int",
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What mypy says of the scripts, looked at together: that is where the time goes."""
    pytest.importorskip("mypy")
    folder = tmp_path_factory.mktemp("scripts")
    (folder / "right.py").write_text(RIGHT)
    lines = "\n".join(WRONG)
    (folder / "wrong.py").write_text(f'from opsrun import Fleet\nfleet = Fleet("a,")\n{lines}\n')
    ended = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "right.py", "wrong.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not ended.stderr
    return ended.stdout


def test_a_script_that_uses_everything_passes(said: str) -> None:
    assert not [line for line in said.splitlines() if "right.py" in line], said


@pytest.mark.parametrize(("line", "words"), list(enumerate(WRONG.values(), 3)), ids=list(WRONG))
def test_a_script_with_a_mistake_does_not(said: str, line: int, words: str) -> None:
    about = [each for each in said.splitlines() if each.startswith(f"wrong.py:{line}: error")]
    assert about, said
    assert any(words in each for each in about), about


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(opsrun.__file__).parent / "py.typed").is_file()
