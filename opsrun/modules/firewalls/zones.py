"""What zones of firewalld are asked, and told: the words of firewall-cmd(1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FORWARD = ("port", "proto", "toport", "toaddr")
"""The keys of a forwarded port, in the order of its words."""

CALLED: Mapping[str, str] = {
    "service": "service",
    "port": "port",
    "protocol": "protocol",
    "port_forward": "forward-port",
    "rich_rule": "rich-rule",
    "source": "source",
    "interface": "interface",
    "icmp_block": "icmp-block",
    "icmp_block_inversion": "icmp-block-inversion",
    "masquerade": "masquerade",
    "forward": "forward",
}
"""By option, how the program calls it."""

LASTING = ("source", "interface", "icmp-block-inversion", "forward")
"""What can't be given for a time only."""

KNOWN: Mapping[str, str] = {"service": "--get-services", "icmp-block": "--get-icmptypes"}
"""What has to be known by name, and how all names are told: the permanent configuration takes an
unknown one for one that is not enabled."""

HINTS: Mapping[str, str] = {
    "PANIC_MODE": "all packets are dropped until firewall-cmd --panic-off",
    "NOT_RUNNING": "systemctl start firewalld starts it",
    "not running": "systemctl start firewalld starts it",
    "Authorization failed": "the task needs become",
    "RUNNING_BUT_FAILED": "it started with errors: journalctl -u firewalld has them",
    "BUILTIN_ZONE": "zones that come with firewalld can't be deleted",
    "unrecognized arguments": "this firewalld is too old for that",
}
"""What the program's words, or the names of its codes, may mean."""


@dataclass(frozen=True, slots=True)
class Thing:
    """What a zone has, or has not."""

    kind: str
    """As the program calls it."""
    value: str | None
    """None for what is only on or off."""

    def word(self, verb: str) -> str:
        """The word for ``query``, ``add``, ``remove`` or ``change``.

        >>> Thing("port", "1/tcp").word("add")
        '--add-port=1/tcp'
        """
        option = f"--{verb}-{self.kind}"
        return option if self.value is None else f"{option}={self.value}"

    def __str__(self) -> str:
        return self.kind if self.value is None else f"{self.kind} {self.value}"


def forwarding(port: Mapping[str, Any]) -> str:
    """A forwarded port as the program's word has it.

    >>> forwarding({"port": 80, "proto": "tcp", "toport": 8080})
    'port=80:proto=tcp:toport=8080'
    """
    given = [(name, port.get(name)) for name in FORWARD]
    return ":".join(f"{name}={value}" for name, value in given if value not in (None, ""))


def around(port: str, ports: Sequence[str]) -> str | None:
    """Which of a zone's ports has all of another one, or a part of it.

    >>> around("8005/tcp", ["1/udp", "8000-8010/tcp"])
    '8000-8010/tcp'
    """
    return next((each for each in ports if each != port and _shared(port, each)), None)


def within(port: str, other: str) -> bool:
    """Whether a port or range is all in another.

    >>> within("8005-8020/tcp", "8000-8010/tcp")
    False
    """
    one, two = _range(port), _range(other)
    return bool(one and two and two[0] <= one[0] and one[1] <= two[1] and one[2] == two[2])


def _shared(port: str, other: str) -> bool:
    one, two = _range(port), _range(other)
    return bool(one and two and one[0] <= two[1] and two[0] <= one[1] and one[2] == two[2])


def _range(port: str) -> tuple[int, int, str] | None:
    numbers, _, protocol = port.partition("/")
    first, _, last = numbers.partition("-")
    if not (first.isdecimal() and (last or first).isdecimal()):
        return None
    return int(first), int(last or first), protocol


def plain(words: str) -> str:
    """What the program said, without its help and its ``Error: ``."""
    lines = [each for each in words.splitlines() if not each.startswith("usage: ")]
    return "\n".join(each.removeprefix("Error: ") for each in lines).strip()


def hinted(words: str) -> str:
    """The same, and what it may mean."""
    hint = next((hint for sign, hint in HINTS.items() if sign in words), "")
    return f"{words} ({hint})" if hint else words
