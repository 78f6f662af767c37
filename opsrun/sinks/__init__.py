"""Outputs: each one a fold of the event stream.

`make_sink` builds them by the name that ``-o`` takes; nothing is imported before it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Literal, cast, get_args

from opsrun.errors import UsageError, did_you_mean
from opsrun.events import Sink
from opsrun.sinks.base import Discard, OutputOptions, Writer

Kind = Literal["text", "fold", "line", "json", "jsonl"]
KINDS: tuple[str, ...] = get_args(Kind)
"""What ``-o`` takes. ``keys`` and ``keylist`` are what fold and text are to host keys."""
PlaybookKind = Literal["text", "json", "jsonl", "ansible"]
PLAYBOOK_KINDS: tuple[str, ...] = get_args(PlaybookKind)
"""What ``-o`` takes for playbooks; their ``text`` is ``playbook`` here."""

_CLASSES = {
    "text": "opsrun.sinks.text:TextSink",
    "fold": "opsrun.sinks.fold:FoldSink",
    "line": "opsrun.sinks.line:LineSink",
    "json": "opsrun.sinks.jsondoc:JsonSink",
    "jsonl": "opsrun.sinks.jsonl:JsonLinesSink",
    "playbook": "opsrun.sinks.playbook.text:PlaybookSink",
    "ansible": "opsrun.sinks.playbook.ansible:AnsibleSink",
    "keys": "opsrun.sinks.keys:KeysSink",
    "keylist": "opsrun.sinks.keys:KeyListSink",
}


def make_sink(kind: str, out: Writer, err: Writer, options: OutputOptions) -> Sink:
    """The output called ``kind``.

    Args:
        kind: one of `KINDS`.
        out: takes the hosts' standard output, or the JSON.
        err: takes everything else. The same writer as ``out`` where both lead to one terminal.
        options: what the operator asked to see.

    Raises:
        UsageError: there is no such output.
    """
    if kind not in _CLASSES:
        known = ", ".join(KINDS)
        raise UsageError(f"no output {kind!r}; there are {known}{did_you_mean(kind, KINDS)}")
    module, _, name = _CLASSES[kind].partition(":")
    return cast(Sink, getattr(import_module(module), name)(out, err, options))


__all__ = [
    "KINDS",
    "PLAYBOOK_KINDS",
    "Discard",
    "Kind",
    "OutputOptions",
    "PlaybookKind",
    "Writer",
    "make_sink",
]
