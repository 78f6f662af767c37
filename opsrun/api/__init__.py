"""opsrun from Python: a `Fleet` of hosts, and what can be done with it."""

from opsrun.api.fleet import Fleet
from opsrun.api.options import ExecOptions, GetArguments, PutArguments, SyncArguments

__all__ = ["ExecOptions", "Fleet", "GetArguments", "PutArguments", "SyncArguments"]
