"""validate_argument_spec: whether variables are what a role, or a playbook, expects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opsrun.dialect.tags import trusted
from opsrun.modules.base import ModuleResult
from opsrun.modules.options import module, option
from opsrun.playbook.actions.base import Acted, Action, Call
from opsrun.playbook.arguments.checking import problems
from opsrun.playbook.parse.checks import is_name


@module("validate_argument_spec")
class ValidateArgumentSpec(Action):
    """Fail unless variables fit a specification; a role's own is looked at before its tasks."""

    passes = True

    argument_spec: Any = option(kind="raw", required=True, doc="By name, what is said of each.")
    provided_arguments: Any = option(
        kind="raw", doc="Arguments; those that it leaves out are variables of their names."
    )
    validate_args_context: Any = option(
        kind="raw", doc="Whose specification it is, for the result."
    )

    def act(self, call: Call) -> Acted:
        """Look at every argument."""
        spec, given = self.argument_spec, self.provided_arguments
        for name, value in (("argument_spec", spec), ("provided_arguments", given or {})):
            if not isinstance(value, Mapping):
                kind = type(value).__name__
                raise call.fail(f"{name}: expected a dictionary, found {kind}")
        context = {"validate_args_context": self.validate_args_context or {}}
        wrong = problems(spec, {**_variables(spec, call, given or {}), **(given or {})})
        if wrong:
            words = "\n".join(("these arguments don't fit:", *wrong))
            data = {"argument_errors": wrong, "argument_spec_data": spec, **context}
            raise call.fail(words, **data)
        return Acted(ModuleResult(msg="all arguments fit", data=context))


def _variables(spec: Mapping[str, Any], call: Call, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Those variables that arguments are named after; by names, never by aliases."""
    origin = call.task.origin
    return {
        name: call.templar.render(trusted("{{ " + name + " }}", origin), origin)
        for name in spec
        if is_name(name) and name not in given and call.is_variable(name)
    }
