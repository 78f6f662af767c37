"""Whether a host was started anew since it was looked at last. Pure, but for the words to ask."""

from __future__ import annotations

import re
from dataclasses import dataclass

ASK = (
    "cat /proc/sys/kernel/random/boot_id /proc/1/stat || sysctl -n kern.bootsessionuuid || "
    "sysctl -n kern.boottime"
)
"""For any login shell, whatever its family: random(4) and proc(5) on Linux, sysctl(8) on macOS and
the BSDs."""

_UUID = re.compile(r"(?<![\w-])[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![\w-])")
_INIT = re.compile(r"^1 \(.*\) \S(?: -?\d+){18} (\d+) ", re.M)
_SECONDS = re.compile(r"\bsec = (\d{1,19})\b")
_DATE = re.compile(r"^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$", re.M)

_CLOCK = 2
"""Seconds by which a boot's time may seem to change as the clock is set."""


@dataclass(frozen=True, slots=True)
class Boot:
    """What a host shows of its latest start; empty where it shows nothing of the kind."""

    uuid: str = ""
    """Random and made at each start; a container may show the machine's."""
    init: str = ""
    """When the first process began, in clock ticks since the machine's start. Tells starts of a
    container from each other."""
    since: str = ""
    """Time of the start: seconds since the epoch, or as ctime(3) writes it."""

    @classmethod
    def parse(cls, answer: str) -> Boot | None:
        """From what `ASK` printed, whatever else is printed at a login; None if nothing is known.

        >>> Boot.parse("hello\\n{ sec = 1700000000, usec = 5 } Tue Nov 14 22:13:20 2023").since
        '1700000000'
        """
        uuid, init = _UUID.search(answer), _INIT.search(answer)
        if uuid is not None:
            return cls(uuid[0].lower(), init[1] if init is not None else "")
        seconds, date = _SECONDS.search(answer), _DATE.search(answer)
        if seconds is not None:
            return cls(since=seconds[1])
        return cls(since=date[0]) if date is not None else None

    def is_another(self, earlier: Boot) -> bool:
        """Whether the host was started between the two looks; only what both show counts."""
        if self.uuid and earlier.uuid:
            return self.uuid != earlier.uuid or bool(
                self.init and earlier.init and self.init != earlier.init
            )
        if self.since.isdigit() and earlier.since.isdigit():
            return abs(int(self.since) - int(earlier.since)) > _CLOCK
        return self.since != earlier.since if self.since and earlier.since else False

    def to_dict(self) -> dict[str, str]:
        """``boot_id`` or ``boot_time``, and ``init_began`` where that is known."""
        known = {"boot_id": self.uuid, "boot_time": self.since, "init_began": self.init}
        return {name: value for name, value in known.items() if value}
