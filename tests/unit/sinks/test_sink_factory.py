from __future__ import annotations

import pytest
from event_runs import BrokenPipe

from opsrun.errors import SinkClosed, UsageError
from opsrun.sinks import KINDS, OutputOptions, make_sink
from opsrun.sinks.base import PENDING_LIMIT, BytesWriter, Outlet


def test_every_kind_is_made() -> None:
    made = [make_sink(kind, BytesWriter(), BytesWriter(), OutputOptions()) for kind in KINDS]
    assert len({type(sink) for sink in made}) == len(KINDS) == 5
    assert [sink.wants_output for sink in made] == [True, False, False, False, False]


def test_an_unknown_kind_gets_the_nearest_name() -> None:
    with pytest.raises(UsageError, match=r"no output 'fodl'; .*did you mean 'fold'\?"):
        make_sink("fodl", BytesWriter(), BytesWriter(), OutputOptions())


def test_an_outlet_joins_what_goes_to_one_writer_and_keeps_the_order() -> None:
    terminal = BytesWriter()
    outlet = Outlet(terminal, terminal)
    for word in ("a", "b", "c"):
        outlet.out(word)
        outlet.err(word.upper())
    outlet.flush()
    assert (terminal.text(), terminal.writes) == ("aAbBcC", 1)


def test_an_outlet_does_not_hold_much_back() -> None:
    out = BytesWriter()
    outlet = Outlet(out, BytesWriter())
    outlet.out("x" * (PENDING_LIMIT - 1))
    assert out.writes == 0
    outlet.out("yy")
    assert len(out.data) == PENDING_LIMIT + 1


def test_an_outlet_whose_reader_went_away_is_quiet() -> None:
    pipe = BrokenPipe(0)
    outlet = Outlet(pipe, pipe)
    outlet.out("x")
    with pytest.raises(SinkClosed):
        outlet.flush()
    outlet.out("y")
    outlet.flush()
    outlet.shut()
    assert pipe.refused == 1
