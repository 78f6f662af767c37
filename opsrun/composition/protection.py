"""What a run wants confirmed before its first connection: protected groups, and too many hosts.

A group says so in the inventory, with the keys ``protected`` and ``max_hosts`` in YAML or with the
variables ``opsrun_protected`` and ``opsrun_max_hosts`` anywhere; a play has ``max_hosts``. What is
said of a group holds for all hosts in it: nothing weaker or stronger takes it back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from opsrun.errors import InventoryError, UsageError
from opsrun.inventory import Host
from opsrun.inventory.model import Explained
from opsrun.inventory.protection import MAX_HOSTS, PROTECTED, as_protected, as_whole

_SHOWN = 5
"""Hosts that are named."""


@dataclass(frozen=True, slots=True)
class Danger:
    """Why a run is to be confirmed.

    >>> from opsrun import Danger
    >>> Danger("the group 'prod' is protected", "prod", ("web01",)).answer
    'prod'
    """

    reason: str
    """A sentence for the operator, with the hosts that it is about."""
    answer: str
    """What an operator types who means it: the group's name, or the number of hosts."""
    hosts: tuple[str, ...] = ()


Confirm = Callable[[Danger], bool]
"""Whether the operator means it."""


def dangers(hosts: Sequence[Host], most: int | None = None, where: str = "") -> list[Danger]:
    """What is dangerous about work on ``hosts``.

    Args:
        hosts: each once.
        most: hosts that a play allows for; None for any number.
        where: names the play.

    Raises:
        InventoryError: a group's words can't be used.
    """
    protected: dict[str, list[str]] = {}
    limits: dict[str, tuple[int, list[str]]] = {}
    for host in hosts:
        for found in _said(host, PROTECTED):
            if as_protected(found.value, found.origin):
                protected.setdefault(found.where, []).append(host.name)
        for found in _said(host, MAX_HOSTS):
            limit = as_whole(found.value, found.origin)
            limits.setdefault(_group(found), (limit, []))[1].append(host.name)
    return [
        *(_of_protected(where, names) for where, names in protected.items()),
        *(
            _of_number(f"the group {group!r}", limit, list(dict.fromkeys(names)))
            for group, (limit, names) in limits.items()
            if len(set(names)) > limit
        ),
        *_of_play(hosts, most, where),
    ]


def _of_play(hosts: Sequence[Host], most: int | None, where: str) -> Iterator[Danger]:
    names = [host.name for host in hosts]
    if most is not None and len(names) > most:
        yield _of_number(where, most, names)


def _said(host: Host, name: str) -> list[Explained]:
    """All that is said of it, one for each group; what is stronger is the group's word."""
    if name not in host.variables:
        return []
    by_place: dict[str, Explained] = {}
    for found in host.explain(name):
        kind, _, of = found.where.partition(" ")
        place = f"{kind.removesuffix('_vars')} {of}"
        by_place.setdefault(place, found._replace(where=place))
    return list(by_place.values())


def _group(found: Explained) -> str:
    kind, _, name = found.where.partition(" ")
    if kind != "group":
        raise InventoryError(
            f"{MAX_HOSTS} is said of groups, and this is the host {name!r}",
            path=found.origin.path,
            line=found.origin.line,
        )
    return name


def _of_protected(where: str, names: Sequence[str]) -> Danger:
    kind, _, name = where.partition(" ")
    reason = f"the {kind} {name!r} is protected"
    if kind == "group":
        reason += f", and has {_counted(names)} of this run"
    return Danger(reason, name, tuple(names))


def _of_number(where: str, most: int, names: Sequence[str]) -> Danger:
    allows = f"{where} allows for {most} at a time"
    return Danger(f"this is work on {_counted(names)}, and {allows}", str(len(names)), tuple(names))


def _counted(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    return f"{len(names)} {'host' if len(names) == 1 else 'hosts'} ({shown})"


class Remembering:
    """Asks about a danger once: what was meant for some hosts is meant for each of them.

    Args:
        confirm: asks.
    """

    def __init__(self, confirm: Confirm) -> None:
        self._confirm = confirm
        self._known: dict[tuple[bool, str], frozenset[str]] = {}

    def __call__(self, danger: Danger) -> bool:
        numbered = danger.answer == str(len(danger.hosts))
        key = numbered, danger.reason if numbered else danger.answer
        hosts = frozenset(danger.hosts)
        if key in self._known and hosts <= self._known[key]:
            return True
        meant = self._confirm(danger)
        if meant:
            self._known[key] = self._known.get(key, frozenset()) | hosts
        return meant


class Guard:
    """Has dangers confirmed.

    Args:
        yes: all are confirmed beforehand.
        confirm: asks about one; None where there is nobody to ask.
    """

    def __init__(self, yes: bool = False, confirm: Confirm | None = None) -> None:
        self._yes = yes
        self._confirm = None if confirm is None else Remembering(confirm)

    def confirm(self, found: Sequence[Danger]) -> None:
        """Returns if all of ``found`` are meant.

        Raises:
            UsageError: one is not, or nobody is there to say so.
        """
        if self._yes or not found:
            return
        if self._confirm is None:
            raise UsageError(refusal(found))
        for danger in found:
            if not self._confirm(danger):
                raise UsageError(f"{danger.reason}: this was not confirmed")


def refusal(found: Sequence[Danger]) -> str:
    """What to say where nobody can be asked."""
    reasons = "; ".join(danger.reason for danger in found)
    words = " and ".join(repr(danger.answer) for danger in found)
    return (
        f"{reasons}. It is to be confirmed by typing {words} on a terminal, "
        "or with -y/--yes (in Python: Fleet(…, yes=True) or confirm=)"
    )
