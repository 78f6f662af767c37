"""Run commands, files and playbooks on many hosts over SSH.

>>> from opsrun import Fleet
>>> Fleet("inventories/lab.yml").exec("df", hosts="web").raise_for_failures()
<Report ...: ok 3>
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opsrun.api import Fleet, FleetOptions, OneHost, RunHandle
    from opsrun.composition.protection import Danger
    from opsrun.errors import (
        AuthenticationFailed,
        BecomeError,
        Cancelled,
        CommandFailed,
        CommandTimeout,
        ConfigError,
        ConnectionFailed,
        ConnectionLost,
        GateTimeout,
        HostError,
        HostKeyError,
        InputError,
        InventoryError,
        NotBuiltError,
        OpsrunError,
        PatternError,
        PlaybookError,
        RunFailed,
        TemplateError,
        TransferFailed,
        UndefinedVariable,
        UsageError,
    )
    from opsrun.events import (
        CustomStats,
        ErrorInfo,
        Event,
        HandlersPending,
        HostStarted,
        Notice,
        Outcome,
        Output,
        PlaybookStarted,
        PlayStarted,
        Progress,
        Result,
        Retry,
        RunStarted,
        Sink,
        Summary,
        TaskResult,
        TaskStarted,
        Waiting,
        WorkId,
    )
    from opsrun.inventory import Host, Inventory
    from opsrun.report import Report
    from opsrun.secret import Secret
    from opsrun.transports.targets.become import Become
    from opsrun.vault.vault import VaultSecrets

from opsrun.version import __version__ as __version__

__all__ = [
    "AuthenticationFailed",
    "Become",
    "BecomeError",
    "Cancelled",
    "CommandFailed",
    "CommandTimeout",
    "ConfigError",
    "ConnectionFailed",
    "ConnectionLost",
    "CustomStats",
    "Danger",
    "ErrorInfo",
    "Event",
    "Fleet",
    "FleetOptions",
    "GateTimeout",
    "HandlersPending",
    "Host",
    "HostError",
    "HostKeyError",
    "HostStarted",
    "InputError",
    "Inventory",
    "InventoryError",
    "NotBuiltError",
    "Notice",
    "OneHost",
    "OpsrunError",
    "Outcome",
    "Output",
    "PatternError",
    "PlayStarted",
    "PlaybookError",
    "PlaybookStarted",
    "Progress",
    "Report",
    "Result",
    "Retry",
    "RunFailed",
    "RunHandle",
    "RunStarted",
    "Secret",
    "Sink",
    "Summary",
    "TaskResult",
    "TaskStarted",
    "TemplateError",
    "TransferFailed",
    "UndefinedVariable",
    "UsageError",
    "VaultSecrets",
    "Waiting",
    "WorkId",
    "__version__",
]

_ROOMS = (
    *("opsrun.errors", "opsrun.events", "opsrun.report", "opsrun.secret", "opsrun.inventory"),
    "opsrun.api",
    "opsrun.composition.protection",
    "opsrun.transports.targets.become",
    "opsrun.vault.vault",
)


def __getattr__(name: str) -> Any:
    # Looked up when asked for: `opsrun --help` passes through here and must stay quick.
    if name in __all__:
        import importlib

        for room in _ROOMS:
            module = importlib.import_module(room)
            if name in vars(module):
                globals()[name] = found = vars(module)[name]
                return found
    raise AttributeError(f"module 'opsrun' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
