"""Checks on what is really there: sockets, web servers, certificates, this machine's shell."""

from __future__ import annotations

import re
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.evil import dripping, saying
from support.pages import Authority, Page, answer, web
from support.servers import LoopbackServer, hanging_up, silent

import opsrun.engine.gates as gates
from opsrun import Fleet, Outcome
from opsrun.events import Event, Result, Waiting

HOSTS = 12


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates.Pace, "delay", lambda pace, attempt: 0.001)


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """This machine, under several names."""
    path = tmp_path / "hosts.ini"
    path.write_text(f"[many]\nh[01:{HOSTS}] ansible_connection=local\n")
    return Fleet(path, forks=2)


class Watching:
    """A sink that does something once a wait has come so far.

    Args:
        call: what it does.
        far: whether it is time.
    """

    wants_output = False

    def __init__(self, call: Callable[[], object], far: Callable[[list[Waiting]], bool]) -> None:
        self._call: Callable[[], object] | None = call
        self._far = far
        self.waiting: list[Waiting] = []

    def handle(self, seq: int, event: Event) -> None:
        if isinstance(event, Waiting):
            self.waiting.append(event)
        if self._call is not None and self._far(self.waiting):
            call, self._call = self._call, None
            call()

    def flush(self) -> None:
        pass

    def tick(self, now: float) -> None:
        pass

    def close(self) -> None:
        pass


def everybody(waiting: list[Waiting]) -> bool:
    """All hosts have said that they wait, and something was tried, and failed."""
    return len({event.host for event in waiting}) == HOSTS and tried(waiting)


def tried(waiting: list[Waiting]) -> bool:
    """Something was tried, and failed."""
    return bool(waiting) and bool(waiting[-1].last_error)


@pytest.fixture
def shut_port() -> Iterator[socket.socket]:
    """A socket whose port is taken, and at which nobody listens yet."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock


def one(fleet: Fleet, check: str, timeout: float = 30.0) -> Result:
    """What waiting for a check comes to, on one host."""
    return fleet.wait(check, "h01", timeout=timeout)["h01"]


def ran_out(fleet: Fleet, check: str) -> str:
    """What is said of a check that doesn't hold; soon, unless this machine is busy."""
    for timeout in (0.5, 5.0, 30.0):
        result = one(fleet, check, timeout)
        assert result.outcome is Outcome.FAILED
        assert result.error is not None
        if "; last: " in result.error.message:
            break
    return result.error.message


def last_error(fleet: Fleet, check: str) -> str:
    """What the attempts of a check that doesn't hold end with."""
    words = ran_out(fleet, check)
    assert words.startswith(f"{check} was not ready after ")
    return words.partition("; last: ")[2]


# -- ports


def accepted(sock: socket.socket) -> int:
    """How many connections wait to be taken."""
    sock.setblocking(False)
    number = 0
    try:
        while True:
            sock.accept()[0].close()
            number += 1
    except BlockingIOError:
        return number


@pytest.mark.parametrize("check", ["tcp:127.0.0.1:{}", "all(h01) tcp:{}"])
def test_a_server_that_starts_late_releases_all_who_wait_for_it(
    fleet: Fleet, shut_port: socket.socket, monkeypatch: pytest.MonkeyPatch, check: str
) -> None:
    """Twelve hosts, two places, one prober: one connection is made to the server that came up."""
    monkeypatch.setattr(gates, "REPORT_EVERY", 0.005)
    check = check.format(shut_port.getsockname()[1])
    sink = Watching(lambda: shut_port.listen(100), everybody)
    report = fleet.exec("echo up", "many", when_ready=check, ready_timeout=120, sinks=[sink])
    assert [result.stdout for result in report] == [b"up\n"] * HOSTS
    assert accepted(shut_port) == 1
    tries = {result.data["when_ready"][check]["attempts"] for result in report}
    assert len(tries) == 1
    assert tries.pop() > 1


def test_a_port_of_each_host_is_tried_by_each_host(fleet: Fleet) -> None:
    with LoopbackServer(silent) as server:
        assert len(fleet.wait(f"tcp:{server.port}", "many").ok) == HOSTS
        while server.accepted < HOSTS:
            pass_the_time()
    assert server.accepted == HOSTS


def test_a_port_is_free_when_the_host_says_so(fleet: Fleet, shut_port: socket.socket) -> None:
    port = shut_port.getsockname()[1]
    assert one(fleet, f"port-free:{port}").outcome is Outcome.OK
    shut_port.listen()
    assert last_error(fleet, f"port-free:{port}") == f"somebody listens at port {port}"


def test_an_address_that_nobody_listens_at(fleet: Fleet, shut_port: socket.socket) -> None:
    port = shut_port.getsockname()[1]
    assert "connection refused" in last_error(fleet, f"tcp:127.0.0.1:{port}")


# -- pages


def test_a_page_with_the_status_and_the_body_that_it_ought_to_have(fleet: Fleet) -> None:
    requests: list[str] = []
    with web(lambda request: answer(204, b"", "No Content"), requests) as server:
        place = f"127.0.0.1:{server.port}"
        assert one(fleet, f"http://127.0.0.1:{server.port}/a?b=c#d").outcome is Outcome.OK
    assert requests[0].startswith("GET /a?b=c HTTP/1.1\r\n")
    assert f"Host: {place}\r\n" in requests[0]
    with web(lambda request: answer(200, b'{"state": "green"}')) as server:
        url = f"http://127.0.0.1:{server.port}"
        assert one(fleet, rf'{url} status=200 body="state":\s"green"').outcome is Outcome.OK
        assert last_error(fleet, f"{url} body=red") == "status 200, and no 'red' in it"
        assert last_error(fleet, f"{url} status=3xx,404") == "status 200 OK"


def test_a_redirection_is_an_answer(fleet: Fleet) -> None:
    moved = answer(302, b"", "Found", "Location: http://127.0.0.1:1/")
    with web(lambda request: moved) as server:
        url = f"http://127.0.0.1:{server.port}/"
        assert one(fleet, url).outcome is Outcome.OK
        assert last_error(fleet, f"{url} status=200") == "status 302 Found"


def test_the_page_of_each_host(fleet: Fleet) -> None:
    requests: list[str] = []
    with web(lambda request: answer(), requests) as server:
        report = fleet.wait(f"http://{{host}}:{server.port}/health", "many")
    assert len(report.ok) == HOSTS
    assert len(requests) == HOSTS, "each host's own question"


def test_a_page_that_all_wait_for_is_asked_for_once(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gates, "REPORT_EVERY", 0.005)
    up: list[int] = []
    good: list[int] = []

    def page(request: str) -> bytes:
        if not up:
            return answer(503, b"", "Service Unavailable")
        good.append(1)
        return answer()

    with web(page) as server:
        check = f"http://127.0.0.1:{server.port}/"
        sink = Watching(lambda: up.append(1), everybody)
        report = fleet.exec("true", "many", when_ready=check, ready_timeout=120, sinks=[sink])
    assert len(report.ok) == HOSTS
    assert len(good) == 1
    assert {event.last_error for event in sink.waiting if event.last_error} == {
        "status 503 Service Unavailable"
    }


@pytest.mark.parametrize(
    ("serve", "words"),
    [
        (hanging_up, "it hung up without an answer|reset"),
        (saying(b"SSH-2.0-OpenSSH_9.9\r\n"), "that is no HTTP: "),
        (silent, "no answer within 0.2 s"),
        (dripping(b"H", 0.01), "no answer within 0.2 s"),
        (saying(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 5000), "that is no HTTP: "),
    ],
    ids=["hangs up", "no HTTP", "silent", "drips", "endless header"],
)
def test_servers_that_are_no_use(
    fleet: Fleet, serve: Any, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "no answer" in words:
        monkeypatch.setattr("opsrun.adhoc.checks.http_here.WITHIN", 0.2)
    with LoopbackServer(serve) as server:
        assert re.search(words, last_error(fleet, f"http://127.0.0.1:{server.port}/"))


def test_an_endless_page_is_read_as_far_as_it_is_needed(fleet: Fleet) -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nready\n")
        while True:
            connection.sendall(b"x" * 65_536)

    with LoopbackServer(serve) as server:
        url = f"http://127.0.0.1:{server.port}/"
        assert one(fleet, url).outcome is Outcome.OK
        assert one(fleet, f"{url} body=^ready").outcome is Outcome.OK
        words = "status 200, and no 'steady' in it, as far as it was read"
        assert last_error(fleet, f"{url} body=steady") == words


def test_cancelled_while_a_page_is_waited_for(fleet: Fleet) -> None:
    with LoopbackServer(silent) as server:
        check = f"http://127.0.0.1:{server.port}/"
        handle = fleet.exec("true", "h01", when_ready=check, ready_timeout=None, wait=False)
        while not server.accepted:
            pass_the_time()
        handle.cancel()
        [result] = handle.report()
    assert result.outcome is Outcome.CANCELLED


def pass_the_time() -> None:
    """Let others run."""
    from support.engines import make_engine

    make_engine().event().wait(0.001)


# -- TLS


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """A CA that nobody trusts yet."""
    return Authority(tmp_path)


def ready(request: str) -> bytes:
    """A good page."""
    return answer(200, b"ready")


def test_a_certificate_of_a_ca_that_is_trusted(
    fleet: Fleet, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with authority.server(ready, "127.0.0.1") as server:
        result = one(fleet, f"https://127.0.0.1:{server.port}/ body=^ready$")
    assert result.outcome is Outcome.OK, result.error


def test_a_certificate_that_nobody_vouches_for(fleet: Fleet, authority: Authority) -> None:
    with authority.server(ready, "127.0.0.1") as server:
        url = f"https://127.0.0.1:{server.port}/"
        assert last_error(fleet, url).startswith("its certificate is not to be trusted: ")
        assert one(fleet, f"{url} insecure body=ready").outcome is Outcome.OK


def test_a_certificate_of_somebody_else(
    fleet: Fleet, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with authority.server(ready, "other.invalid") as server:
        words = last_error(fleet, f"https://127.0.0.1:{server.port}/")
    assert words.startswith("its certificate is not to be trusted: IP address mismatch")


@pytest.mark.parametrize(
    ("serve", "words"),
    [
        (silent, "no answer within 0.2 s"),
        (dripping(b"\x16", 0.01), "no answer|WRONG_VERSION"),
        (saying(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "WRONG_VERSION_NUMBER"),
        (hanging_up, "EOF|reset"),
    ],
    ids=["silent", "drips", "no TLS", "hangs up"],
)
def test_servers_that_speak_no_tls(
    fleet: Fleet, serve: Any, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "no answer" in words:
        monkeypatch.setattr("opsrun.adhoc.checks.http_here.WITHIN", 0.2)
    with LoopbackServer(serve) as server:
        assert re.search(words, last_error(fleet, f"https://127.0.0.1:{server.port}/"))


# -- from the host


BUSYBOX = """\
#!/bin/sh
# As busybox's: no --version; the header on standard error, indented; no body of an error.
[ "$1" = -q ] || { echo "wget: unrecognized option '$1'" >&2; exit 1; }
shift
[ "$*" = "-Y off -S -O - -T 9 -- $9" ] || exit 2
curl -gsS -i "$9" >"$0.got" || { echo "wget: can't connect to remote host: refused" >&2; exit 1; }
sed -n "1,/^.$/s/^/  /p" "$0.got" >&2
sed "1,/^.$/d" "$0.got"
"""


def only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *programs: str) -> None:
    """Have hosts find these programs, and what a shell needs, and no others."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "head", "cat", "mkdir", "rm", "dd", "env", *programs):
        path = shutil.which(name)
        if path is None:
            pytest.skip(f"there is no {name}")
        (folder / name).symlink_to(path)
    # A session puts /usr/sbin and its kin behind it: neither tool is there.
    monkeypatch.setenv("PATH", str(folder))


def only_busybox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, with a wget that behaves as busybox's."""
    found = shutil.which("curl"), shutil.which("sed")
    only(tmp_path, monkeypatch)
    wget = tmp_path / "bin/wget"
    wget.write_text(BUSYBOX.replace("curl ", f"{found[0]} ").replace("sed ", f"{found[1]} "))
    wget.chmod(0o755)


@pytest.mark.parametrize("tool", ["curl", "wget", "busybox"])
def test_a_page_that_the_host_itself_asks_for(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: str
) -> None:
    if tool == "busybox":
        only_busybox(tmp_path, monkeypatch)
    else:
        only(tmp_path, monkeypatch, tool)
    pages: dict[str, Page] = {
        "GET /good ": lambda request: answer(200, b"HTTP/1.1 500 I am not\r\n\r\nready\n"),
        "GET /moved ": lambda request: answer(302, b"", "Found", "Location: http://127.0.0.1:1/"),
        "GET /ill ": lambda request: answer(503, b"ill", "Service Unavailable"),
    }

    def page(request: str) -> bytes:
        return next(made(request) for start, made in pages.items() if request.startswith(start))

    with web(page) as server:
        url = f"http://{{host}}:{server.port}"
        assert one(fleet, f"{url}/good from=host body=ready").outcome is Outcome.OK
        assert one(fleet, f"{url}/moved from=host").outcome is Outcome.OK
        assert one(fleet, f"{url}/ill from=host status=503").outcome is Outcome.OK
        assert last_error(fleet, f"{url}/ill from=host") == "status 503 Service Unavailable"
        assert "no 'steady' in it" in last_error(fleet, f"{url}/good from=host body=steady")
        gone = f"{url}/good from=host"
    assert re.search("refused|[Cc]ouldn.t connect", last_error(fleet, gone))


@pytest.mark.parametrize("tool", ["curl", "wget"])
def test_the_host_verifies_certificates(
    fleet: Fleet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    authority: Authority,
    tool: str,
) -> None:
    only(tmp_path, monkeypatch, tool)
    with authority.server(ready, "127.0.0.1") as server:
        url = f"https://127.0.0.1:{server.port}/ from=host"
        assert "certificate" in last_error(fleet, url)
        assert one(fleet, f"{url} insecure").outcome is Outcome.OK


def test_a_tool_that_verifies_none_is_not_used(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_busybox(tmp_path, monkeypatch)
    words = last_error(fleet, "https://127.0.0.1:1/ from=host")
    assert words.startswith("its wget can't verify certificates")


def test_a_host_with_neither_tool(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(tmp_path, monkeypatch)
    assert "neither curl nor wget" in last_error(fleet, "http://127.0.0.1:1/ from=host")


# -- the host's shell


def test_a_command_that_ends_well_in_the_end(fleet: Fleet, tmp_path: Path) -> None:
    check = (
        f"cmd:echo >>{tmp_path}/n; test $(wc -l <{tmp_path}/n) -ge 3 || {{ echo no >&2; exit 3; }}"
    )
    assert one(fleet, check).data[check]["attempts"] == 3
    assert last_error(fleet, "cmd:echo out; echo why >&2; exit 7") == "exit status 7: why"
    assert last_error(fleet, "cmd:kill -9 $$").startswith("exit status 137")
    assert last_error(fleet, "cmd:exit 2; }") != ""


def test_a_command_may_leave_something_behind(fleet: Fleet, tmp_path: Path) -> None:
    """What prints late must not end up in the answer to another attempt."""
    path = tmp_path / "n"
    check = (
        f"cmd:(while test ! -e {tmp_path}/over; do echo late; sleep 0.01; done) & "
        f"echo >>{path}; test $(wc -l <{path}) -ge 3"
    )
    try:
        assert one(fleet, check).data[check]["attempts"] == 3
    finally:
        (tmp_path / "over").touch()


def test_a_file_that_appears(fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "REPORT_EVERY", 0.005)
    path = tmp_path / "it's here"
    sink = Watching(path.touch, tried)
    [result] = fleet.exec("echo went", "h01", when_ready=f"file:{path}", sinks=[sink])
    assert result.stdout == b"went\n"
    assert {event.last_error for event in sink.waiting if event.last_error} == {
        f"there is no {path}"
    }
    dangling = tmp_path / "dangling"
    dangling.symlink_to("nowhere")
    assert last_error(fleet, f"file:{dangling}") == f"there is no {dangling}"


def test_a_line_that_is_written_to_a_log(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gates, "REPORT_EVERY", 0.005)
    log = tmp_path / "app.log"
    log.write_text("Server started\n")

    def rotate_and_write() -> None:
        log.rename(f"{log}.1")
        log.write_text("starting\nServer started in 3 s\n")

    sink = Watching(rotate_and_write, tried)
    check = f"log:{log}:^Server started( in [0-9]+ s)?$"
    [result] = fleet.exec("echo went", "h01", when_ready=check, sinks=[sink])
    assert result.stdout == b"went\n", result.error
    assert result.data["when_ready"][check]["attempts"] > 1


def test_an_expression_that_grep_does_not_take_ends_the_wait_at_once(fleet: Fleet) -> None:
    result = fleet.wait("log:/etc/passwd:(", "h01", timeout=None)["h01"]
    assert result.error is not None
    assert "doesn't take the expression" in result.error.message


@pytest.mark.parametrize("options", [{"then_wait": "log:x:("}, {"canary": 1, "health": "log:x:("}])
def test_nor_is_a_command_run_that_it_would_be_waited_for_behind(
    fleet: Fleet, tmp_path: Path, options: Any
) -> None:
    [result] = fleet.exec(f"touch {tmp_path}/ran", "h01", **options)
    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert (result.error.phase, result.error.message[:10]) == ("wait", "log:x:(: g")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("state", "status", "ok"), [("active", 0, True), ("activating", 3, False), ("failed", 3, False)]
)
def test_a_unit(
    fleet: Fleet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    state: str,
    status: int,
    ok: bool,
) -> None:
    only(tmp_path, monkeypatch)
    systemctl = tmp_path / "bin/systemctl"
    systemctl.write_text(
        f'#!/bin/sh\n[ "$*" = "is-active -- getty@tty1" ] || exit 9\necho {state}\nexit {status}\n'
    )
    systemctl.chmod(0o755)
    if ok:
        assert one(fleet, "systemd:getty@tty1").outcome is Outcome.OK
    else:
        assert last_error(fleet, "systemd:getty@tty1") == f"getty@tty1 is {state}"


def test_a_host_without_systemd_is_not_waited_for(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(tmp_path, monkeypatch)
    result = fleet.wait("systemd:nginx", "h01", timeout=None)["h01"]
    assert result.error is not None
    assert result.error.message.startswith("systemd:nginx: h01 has no systemctl")
