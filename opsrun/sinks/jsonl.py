"""``-o jsonl``: an object for each event, as it happens, on standard output."""

from __future__ import annotations

from opsrun.events import Event, Notice, Output
from opsrun.sinks.base import Outlet, OutputOptions, Writer
from opsrun.sinks.encode import encode
from opsrun.sinks.messages import shows_notice


class JsonLinesSink:
    """Each event's ``to_dict`` with its ``seq``, one a line, in ASCII.

    Output events only with ``options.output_events``; info and debug notices only at ``-v``.
    """

    def __init__(self, out: Writer, err: Writer, options: OutputOptions) -> None:
        self.wants_output = options.output_events
        self._verbosity = max(options.verbosity, 0)
        self._outlet = Outlet(out, err)
        self._closed = False

    def handle(self, seq: int, event: Event) -> None:
        """Render one event."""
        if self._closed or (isinstance(event, Output) and not self.wants_output):
            return
        if isinstance(event, Notice) and not shows_notice(event, self._verbosity):
            return
        fields = event.to_dict()
        self._outlet.out(encode({"type": fields.pop("type"), "seq": seq, **fields}) + "\n")

    def flush(self) -> None:
        """Write what was rendered."""
        self._outlet.flush()

    def tick(self, now: float) -> None:
        """Nothing happens while nothing happens."""

    def close(self) -> None:
        """Write what waits; later calls do nothing."""
        if not self._closed:
            self._closed = True
            self._outlet.shut()
