from __future__ import annotations

import subprocess
import sys

import pytest
from event_runs import BrokenPipe, result, started, summary, work
from rich.cells import cell_len

from opsrun.errors import SinkClosed
from opsrun.events import HostStarted, Outcome
from opsrun.sinks.base import BytesWriter
from opsrun.sinks.live import DELAY, INTERVAL, LiveSink
from opsrun.sinks.screen import ERASE, Screen


class Terminal:
    """A terminal, a clock to move, and the sink that draws."""

    def __init__(self, columns: int = 80) -> None:
        self.now = 100.0
        self.writer = BytesWriter()
        self.screen = Screen(self.writer, self.writer)
        self.sink = LiveSink(
            self.screen, color=False, columns=lambda: columns, clock=lambda: self.now
        )

    def start(self, *hosts: str) -> None:
        self.sink.handle(1, started(*hosts))
        for host in hosts:
            self.sink.handle(2, HostStarted(host, work(host), 0.0))
            self.now += 1.0

    def drawn(self) -> str:
        """What was written since the last time."""
        text = self.writer.text()
        self.writer.data.clear()
        return text


def test_the_line_tells_how_far_it_is_and_who_is_slow() -> None:
    terminal = Terminal(120)
    terminal.start("web01", "web02", "web03", "web04", "db01", "db02")
    terminal.sink.handle(3, result("web02"))
    terminal.sink.handle(3, result("db02", Outcome.FAILED, rc=1))
    terminal.sink.handle(3, result("db01", Outcome.UNREACHABLE))
    terminal.sink.tick(terminal.now)
    assert terminal.drawn() == (
        "3/6 done · failed 1 · unreachable 1 · running 3"
        " · longest web01 6.0 s, web03 4.0 s, web04 3.0 s"
    )


def test_it_is_redrawn_no_more_often_than_the_eye_follows() -> None:
    terminal = Terminal()
    terminal.start("a", "b")
    for step in range(100):
        terminal.sink.tick(200.0 + step / 100)
    assert terminal.writer.writes <= 1 / INTERVAL + 1
    assert terminal.writer.writes >= 2


def test_flush_redraws_too_for_a_busy_run_never_ticks() -> None:
    terminal = Terminal()
    terminal.start("a", "b")
    terminal.sink.flush()
    assert "0/2 done" in terminal.drawn()


def test_a_short_run_or_a_single_host_draws_nothing() -> None:
    short = Terminal()
    short.sink.handle(1, started("a", "b"))
    short.sink.tick(short.now + DELAY / 2)
    single = Terminal()
    single.start("a")
    single.sink.tick(single.now + 60)
    assert (short.drawn(), single.drawn()) == ("", "")


def test_the_line_is_erased_at_the_end_and_stays_away() -> None:
    terminal = Terminal()
    terminal.start("a", "b")
    terminal.sink.tick(terminal.now)
    terminal.drawn()
    terminal.sink.handle(9, summary([]))
    assert terminal.drawn().encode() == ERASE
    terminal.sink.tick(terminal.now + 60)
    terminal.sink.close()
    assert terminal.drawn() == ""


def test_close_erases_after_an_error() -> None:
    terminal = Terminal()
    terminal.start("a", "b")
    terminal.sink.tick(terminal.now)
    terminal.sink.close()
    assert terminal.drawn().encode().endswith(ERASE)


def test_the_cursor_is_never_hidden() -> None:
    terminal = Terminal()
    terminal.start("a", "b")
    terminal.sink.tick(terminal.now)
    assert "\x1b[?25l" not in terminal.drawn()


@pytest.mark.parametrize("columns", [1, 2, 10, 33, 80])
def test_the_line_never_wraps(columns: int) -> None:
    terminal = Terminal(columns)
    terminal.start("日本語のホスト", "b\x1b[2J")
    terminal.sink.tick(terminal.now)
    assert cell_len(terminal.drawn()) <= max(columns - 1, 1)


def test_colour() -> None:
    writer = BytesWriter()
    sink = LiveSink(Screen(writer, writer), color=True, columns=lambda: 80, clock=lambda: 0.0)
    sink.handle(1, started("a", "b"))
    sink.handle(2, result("a", Outcome.FAILED))
    sink.tick(60.0)
    assert "\x1b[31mfailed 1\x1b[0m" in writer.text()


def test_other_output_goes_above_the_line_in_one_write() -> None:
    writer = BytesWriter()
    screen = Screen(writer, writer)
    screen.show("1/2 done")
    before = writer.writes
    screen.out.write(b"web01 | x\n")
    assert writer.writes == before + 1
    assert bytes(writer.data) == b"1/2 done" + ERASE + b"web01 | x\n1/2 done"


def test_the_line_waits_while_another_line_is_open() -> None:
    writer = BytesWriter()
    screen = Screen(writer, writer)
    screen.show("status")
    screen.out.write(b"half")
    screen.show("newer")
    screen.out.write(b" rest\n")
    assert bytes(writer.data) == b"status" + ERASE + b"half rest\nnewer"


def test_two_streams_share_the_screen() -> None:
    out, err = BytesWriter(), BytesWriter()
    screen = Screen(out, err)
    screen.show("status")
    screen.out.write(b"x\n")
    assert bytes(out.data) == b"x\n"
    assert bytes(err.data) == b"status" + ERASE + b"status"


def test_a_terminal_that_went_away_is_not_written_to_again() -> None:
    pipe = BrokenPipe(1)
    screen = Screen(pipe, pipe)
    screen.show("status")
    with pytest.raises(SinkClosed):
        screen.out.write(b"x\n")
    screen.show("")
    assert pipe.refused == 1


def test_rich_is_imported_for_the_live_line_alone() -> None:
    code = (
        "import sys\n"
        "from opsrun.sinks import KINDS, OutputOptions, make_sink\n"
        "from opsrun.sinks.base import BytesWriter\n"
        "for kind in KINDS:\n"
        "    make_sink(kind, BytesWriter(), BytesWriter(), OutputOptions()).close()\n"
        "print([m for m in ('rich', 'ClusterShell', 'gevent', 'paramiko') if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
