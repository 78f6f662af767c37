"""A fleet of real SSH servers on loopback, for the demo, tests and rehearsal."""

from opsrun.lab.lab import Lab
from opsrun.lab.layout import LabHost

__all__ = ["Lab", "LabHost"]
