"""Facts of hosts, shown as the output of a command."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from opsrun.errors import did_you_mean
from opsrun.events import ErrorInfo, Event, Outcome, Result, Sink, Summary, TaskResult
from opsrun.sinks.one_task import OneTaskSink

_MARKS = ("gather_subset", "module_setup")
_WIDE = 60
"""Columns from which on a value takes several lines."""


class FactsSink(OneTaskSink):
    """Gives another sink the facts of each host as its result.

    Args:
        inner: shows them.
        command: what is done, for the first event.
        hosts: that take part.
        in_words: whether ``inner`` shows text; else facts are in ``data``.
        names: of facts that are wanted, or patterns; none for all.
        kept: what is known of a host that was not asked in this run.
    """

    action = "facts"

    def __init__(
        self,
        inner: Sink,
        command: str,
        hosts: tuple[str, ...],
        in_words: bool,
        names: Sequence[str],
        kept: Callable[[str], Mapping[str, Any]],
    ) -> None:
        super().__init__(inner, command, hosts, in_words)
        self._names = names
        self._kept = kept
        self.lacking = 0
        """Hosts that have no such fact, and failed for that."""

    def handle(self, seq: int, event: Event) -> None:
        """See `Sink`; hosts that lack a fact count as failed."""
        if isinstance(event, Summary) and self.lacking:
            counts = dict(event.counts)
            counts[Outcome.OK] = counts.get(Outcome.OK, 0) - self.lacking
            counts[Outcome.FAILED] = counts.get(Outcome.FAILED, 0) + self.lacking
            event = replace(event, counts=counts, exit_status=event.exit_status or 1)
        super().handle(seq, event)

    def _of_task(self, result: Result) -> Result:
        ended = self._ended.get(result.host)
        if ended is not None and not ended.outcome.is_good:
            return super()._of_task(result)
        self._ended.pop(result.host, None)
        if not result.outcome.is_good:
            return replace(result, data={})
        facts = _plain(_gathered(ended) or self._kept(result.host))
        chosen, missing = choose(facts, self._names)
        told = {} if self._in_words else {"facts": chosen}
        lines = "".join(f"{line}\n" for name in chosen for line in _lines(name, chosen[name]))
        stdout = lines.encode("utf-8", "surrogateescape") if self._in_words else b""
        warnings = _warnings(ended)
        shown = replace(result, stdout=stdout, stderr=warnings, data=told)
        if not missing:
            return shown
        self.lacking += 1
        words = "; ".join(f"there is no fact {_called(each, facts)}" for each in missing)
        return replace(shown, outcome=Outcome.FAILED, error=ErrorInfo("run", words))


def _gathered(ended: TaskResult | None) -> Mapping[str, Any] | None:
    found = None if ended is None else ended.result.get("ansible_facts")
    return found if isinstance(found, Mapping) else None


def _warnings(ended: TaskResult | None) -> bytes:
    told = () if ended is None else ended.result.get("warnings") or ()
    return "".join(f"warning: {each}\n" for each in told).encode("utf-8", "surrogateescape")


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    named = {name.removeprefix("ansible_"): each for name, each in facts.items()}
    return {name: named[name] for name in sorted(named) if name not in _MARKS}


def choose(facts: Mapping[str, Any], names: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """The facts of these names, and the names that there is nothing of.

    Args:
        facts: by name, without their prefix.
        names: with or without it; ``default_ipv4.address`` is a part of a fact, and ``*`` stands
            for any text.
    """
    if not names:
        return dict(facts), []
    chosen: dict[str, Any] = {}
    missing = []
    for name in names:
        bare = name.removeprefix("ansible_facts.").removeprefix("ansible_")
        found = dict(_matching(facts, bare))
        chosen |= found
        if not found:
            missing.append(bare)
    return chosen, missing


def _matching(facts: Mapping[str, Any], name: str) -> Iterator[tuple[str, Any]]:
    if any(sign in name for sign in "*?["):
        yield from ((each, facts[each]) for each in facts if fnmatchcase(each, name))
        return
    value: Any = facts
    for part in name.split("."):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return
    yield name, value


def _called(name: str, facts: Mapping[str, Any]) -> str:
    top, dot, part = name.partition(".")
    inside = facts.get(top)
    if dot and isinstance(inside, Mapping):
        near = did_you_mean(part, [str(each) for each in inside])
        return f"{name!r}{near}"
    return f"{name!r}{did_you_mean(top, list(facts))}"


def _lines(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, str):
        first, *more = value.split("\n")
        yield f"{name}: {first}"
        yield from (f"  {line}" for line in more)
        return
    text = json.dumps(value, ensure_ascii=False, default=str)
    if len(text) > _WIDE and isinstance(value, Mapping | list):
        text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    yield from f"{name}: {text}".split("\n")
