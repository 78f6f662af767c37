"""How many round trips came back, and how long they took."""

from __future__ import annotations

from dataclasses import dataclass, field

from opsrun.errors import HostError


@dataclass(slots=True)
class Tally:
    """Of one series over one login; filled while it goes on.

    >>> Tally(3, login=0.25, lost=1, seconds=[0.5, 1.0]).data()["loss"]
    33.3
    """

    wanted: int = 1
    login: float = 0.0
    """Seconds that the login took."""
    lost: int = 0
    """So many did not come back."""
    seconds: list[float] = field(default_factory=list)
    """What each round trip took that came back."""
    broken: HostError | None = None
    """What ended the series before all were made."""

    @property
    def sent(self) -> int:
        """How many there were; one that is still under way is none yet."""
        return self.lost + len(self.seconds)

    def data(self) -> dict[str, float]:
        """As a result has it.

        ``login`` and ``round_trip`` where one was wanted, else ``login``, ``min``, ``avg`` and
        ``max``, all of them seconds, ``sent`` and ``received``, and ``loss`` in per cent of what
        was sent. Nothing at all before the first is back.
        """
        seconds = tuple(self.seconds)
        if not seconds:
            return {}
        login = {"login": round(self.login, 6)}
        if self.wanted == 1:
            return login | {"round_trip": round(seconds[0], 6)}
        average = sum(seconds) / len(seconds)
        times = {"min": min(seconds), "avg": average, "max": max(seconds)}
        sent = len(seconds) + self.lost
        return (
            login
            | {name: round(taken, 6) for name, taken in times.items()}
            | {"sent": sent, "received": len(seconds), "loss": round(100 * self.lost / sent, 1)}
        )
