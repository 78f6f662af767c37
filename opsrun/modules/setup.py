"""setup: the facts of a host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opsrun.modules.base import Context, Module, ModuleResult, Steps
from opsrun.modules.facts import asking
from opsrun.modules.facts.gathering import gathered
from opsrun.modules.facts.subsets import Subsets, filtered
from opsrun.modules.looking import Answers
from opsrun.modules.options import module, option
from opsrun.modules.requests import Run


@module("setup")
class Setup(Module):
    """Ask a host for its facts: one script, and no Python there."""

    gather_subset: list[str] = option(
        ("all",),
        elements="str",
        doc="Which facts: names of subsets, ``!`` before those that are left out.",
    )
    gather_timeout: int = option(
        10,
        doc="Seconds that what may hang (file systems, names, volume groups) has in all; 0 for no "
        "limit. What was not told in time is left out, with a warning.",
    )
    filter: list[str] = option((), elements="str", doc="Patterns for names of facts.")
    fact_path: str = option("/etc/ansible/facts.d", kind="path", doc="The host's own facts.")

    def steps(self, context: Context) -> Steps:
        """One script that reads."""
        subsets = Subsets.of(tuple(self.gather_subset) or ("all",))
        limit = max(self.gather_timeout, 0)
        script = "".join(self._script(subsets.parts, limit, context.interpreters.get("python", "")))
        answer = yield Run(script, effect="reads", environment=True)
        found, warnings = gathered(Answers(answer), subsets.parts, self.fact_path, limit)
        facts: dict[str, Any] = {f"ansible_{name}": each for name, each in subsets.only(found)}
        facts["gather_subset"] = list(self.gather_subset)
        facts["module_setup"] = True
        return ModuleResult(
            facts=filtered(facts, tuple(self.filter)), warnings=tuple(dict.fromkeys(warnings))
        )

    def _script(self, parts: set[str], limit: int, python: str) -> Iterator[str]:
        yield asking.START
        if "min" in parts:
            yield (
                asking.PLATFORM + asking.python_script(python) + asking.local_script(self.fact_path)
            )
        if "hardware" in parts:
            yield asking.HARDWARE
        if "virtual" in parts:
            yield asking.VIRTUAL
        if "network" in parts:
            yield asking.NETWORK
        yield asking.reading(parts)
        yield asking.slow(parts, limit)
        yield ":\n"
