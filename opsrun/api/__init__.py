"""opsrun from Python: a `Fleet` of hosts, and what can be done with it."""

from opsrun.api.fleet import Fleet
from opsrun.api.fleet_options import FleetOptions
from opsrun.api.handle import RunHandle
from opsrun.api.one import OneHost
from opsrun.api.options import (
    ExecOptions,
    GetArguments,
    PlaybookArguments,
    PutArguments,
    SyncArguments,
)

__all__ = [
    "ExecOptions",
    "Fleet",
    "FleetOptions",
    "GetArguments",
    "OneHost",
    "PlaybookArguments",
    "PutArguments",
    "RunHandle",
    "SyncArguments",
]
