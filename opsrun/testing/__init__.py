"""For tests of what is built on opsrun: hosts in memory, and modules on a shell of this machine.

`opsrun.testing.fakes` has the hosts, `opsrun.testing.modules` the bench for modules.
"""

from opsrun.testing.fakes import (
    PIPE,
    Cat,
    Closed,
    Data,
    EndOfOutput,
    Exited,
    FakeConnection,
    FakeProcess,
    FakeTransport,
    Hold,
    Lose,
    Scripts,
    Step,
    ends,
)

__all__ = [
    "PIPE",
    "Cat",
    "Closed",
    "Data",
    "EndOfOutput",
    "Exited",
    "FakeConnection",
    "FakeProcess",
    "FakeTransport",
    "Hold",
    "Lose",
    "Scripts",
    "Step",
    "ends",
]
