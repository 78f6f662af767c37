"""How a run of playbooks is shown."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import click

from opsrun.cli.settled import Settled

if TYPE_CHECKING:
    from opsrun.sinks import OutputOptions

OUTPUTS = ("text", "json", "jsonl", "ansible")
_OTHERS = ("fold", "line")


class PlaybookOutput(click.Choice[str]):
    """Outputs of playbooks. A default that is meant for other commands (``fold``) means text."""

    def __init__(self) -> None:
        super().__init__(OUTPUTS)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See `click.Choice`."""
        source = ctx.get_parameter_source("output") if ctx is not None else None
        if value in _OTHERS and source is not click.core.ParameterSource.COMMANDLINE:
            return "text"
        return super().convert(value, param, ctx)


@dataclass(frozen=True, slots=True)
class PlaybookShow:
    """What is shown, see `opsrun.cli.execution.Shown`."""

    output: str = "text"
    verbose: int = 0
    quiet: bool = False
    diff: bool = False
    settled: Settled = field(default_factory=Settled)

    @property
    def kind(self) -> str:
        """The sink's name."""
        return "playbook" if self.output == "text" else self.output

    def refined(self, options: OutputOptions) -> OutputOptions:
        """See `opsrun.cli.execution.Refined`."""
        return replace(
            options,
            custom_stats=self.settled.custom_stats,
            show_ok=not self.settled.hide_ok,
            show_skipped=not self.settled.hide_skipped,
        )

    @property
    def verbosity(self) -> int:
        """-1 for ``-q``, else the number of ``-v``."""
        return -1 if self.quiet else self.verbose

    @property
    def outdir(self) -> str | None:
        """A playbook's tasks have no streams to keep."""
        return None
