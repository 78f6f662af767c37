"""dpkg_selections: what dpkg is to do with a package, hold it above all."""

from __future__ import annotations

from opsrun.modules.base import (
    Context,
    Inspection,
    ModuleError,
    ModuleResult,
    Plan,
    StateModule,
)
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.options import module, option
from opsrun.modules.requests import Run
from opsrun.modules.wording import word
from opsrun.remote.command import CommandResult


@module("dpkg_selections")
class DpkgSelections(StateModule[str]):
    """Set a package's selection state; nothing is installed or removed by that."""

    package: str = option(required=True, name="name", doc="The package.")
    selection: str = option(
        required=True,
        choices=("install", "hold", "deinstall", "purge"),
        doc="What dpkg is to do with it: ``hold`` keeps its version.",
    )

    def inspect(self, context: Context) -> Inspection[str]:
        """What is selected now."""
        if not self.package or any(each in self.package for each in " \t\n*?["):
            raise ModuleError(f"{self.package!r} is no name of a package")
        script = (
            f"{LOOK}command -v dpkg >/dev/null || "
            "{ echo 'there is no dpkg on this host' >&2; exit 1; }\n"
            f'say now "$(dpkg --get-selections {word(self.package)} 2>/dev/null)"\n'
        )
        return Inspection(script, _selection)

    def plan(self, state: str, context: Context) -> Plan:
        """Select it, if something else is."""
        if not state:
            raise ModuleError(f"dpkg knows of no package {self.package}: nothing can be selected")
        data = {"before": state, "after": self.selection}
        if state == self.selection:
            return Plan(result=ModuleResult(data=data))
        line = f"{self.package} {self.selection}\n".encode()
        # dpkg says on standard error alone that it knows of no such package, and ends well.
        script = f"""\
e=$(dpkg --set-selections 2>&1) || {{ printf '%s\\n' "$e" >&2; exit 1; }}
case $(dpkg --get-selections {word(self.package)} 2>/dev/null) in
  *[[:space:]]{self.selection}) ;;
  *) printf '%s\\n' "${{e:-dpkg knows no such package}}" >&2; exit 1 ;;
esac
"""
        return Plan((Run(script, line),), ModuleResult(True, data=data))


def _selection(answer: CommandResult) -> str:
    words = Answers(answer).text("now").split()
    return words[-1] if words else ""
