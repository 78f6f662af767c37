"""debug, fail, assert: what a playbook says to its operator."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from opsrun.dialect.tags import Template
from opsrun.errors import UndefinedVariable
from opsrun.modules.base import ModuleError, ModuleResult
from opsrun.modules.options import module, option, resolve
from opsrun.playbook.actions.base import Acted, Action, Call, place, rendered
from opsrun.playbook.model.nodes import RawAction

_ALIASES = {"msg": "fail_msg"}
UNDEFINED = "VARIABLE IS NOT DEFINED!"


@module("debug", exclusive=[("msg", "var")])
class Debug(Action):
    """Show a message, or the value of an expression."""

    passes = True

    msg: Any = option("Hello world!", kind="raw", doc="What to show.")
    var: Any = option(kind="raw", doc="An expression, without braces.")
    verbosity: int = option(0, doc="From how many ``-v`` on it is shown.")

    @classmethod
    def prepare(cls, action: RawAction, call: Call) -> Action:
        """As `Action.prepare`; ``var`` keeps its expression, and a message may come to nothing."""
        made: Any = _except(cls, action, call, "var")
        said = action.args.get("msg")
        if isinstance(said, Template) and call.templar.render(said, said.origin) is None:
            made = replace(made, msg=None)
        found: Action = made
        return found

    def act(self, call: Call) -> Acted:
        """Show it."""
        if self.verbosity > call.verbosity:
            data = {"skipped_reason": "Verbosity threshold not met."}
            return Acted(ModuleResult(skipped=True, data=data))
        if self.var is None:
            return Acted(ModuleResult(data={"msg": self.msg}))
        return Acted(ModuleResult(data=self._value(call)))

    def _value(self, call: Call) -> dict[str, Any]:
        if isinstance(self.var, (list, dict)):
            return {str(type(self.var)): call.templar.render(self.var)}
        text = str(self.var)
        origin = place(call.task.action, "var")
        if isinstance(self.var, Template):
            # A template that gives the name of what is to be shown, as well as one that is it.
            found = call.templar.render(self.var, origin)
            if not isinstance(found, str):
                return {text.strip("{} "): found}
            if not found.isidentifier():
                # What a template came to is data: no expression is read from it.
                return {text: found}
            text = found
        try:
            found = call.templar.render(Template("{{ " + text + " }}", origin))
        except UndefinedVariable:
            found = UNDEFINED
        return {text: found}


@module("fail")
class Fail(Action):
    """Fail, with a message."""

    passes = True

    msg: Any = option("Failed as requested from task", kind="raw", doc="What to say.")

    def act(self, call: Call) -> Acted:
        """Fail."""
        return Acted(ModuleResult(failed=True, msg=self.msg))


@module("assert")
class Assert(Action):
    """Fail unless conditions hold."""

    passes = True

    that: Any = option(kind="raw", required=True, doc="A condition, or a list of them.")
    fail_msg: Any = option(kind="raw", aliases=("msg",), doc="What to say when one doesn't hold.")
    success_msg: Any = option(kind="raw", doc="What to say when all do.")
    quiet: bool = option(False, doc="Say no more than that.")

    @classmethod
    def prepare(cls, action: RawAction, call: Call) -> Action:
        """As `Action.prepare`; conditions stay expressions, and messages what they are."""
        return _except(cls, action, call, "that", "fail_msg", "msg", "success_msg")

    def act(self, call: Call) -> Acted:
        """Look at each condition, in order."""
        for condition in self._conditions(call):
            if not call.templar.condition(condition, place(call.task.action, "that")):
                raise self._failed(call, condition)
        said = "All assertions passed"
        if self.success_msg is not None:
            said = _message(call.templar.render(self.success_msg))
        return Acted(ModuleResult(msg=said))

    def _conditions(self, call: Call) -> list[Any]:
        that = self.that
        if isinstance(that, Template):
            # A whole list may come out of a template; its entries are data, and so truth values,
            # unless it is one that stands in a file of the operator's.
            found = call.templar.render(that, place(call.task.action, "that"))
            raw = call.templar.as_written(that)
            if isinstance(found, list):
                return raw if isinstance(raw, list) else [_truth(each) for each in found]
            return [raw if type(raw) is str else that]
        return list(that) if isinstance(that, (list, tuple)) else [that]

    def _failed(self, call: Call, condition: Any) -> ModuleError:
        said: Any = "Assertion failed"
        if self.fail_msg is not None:
            said = _message(call.templar.render(self.fail_msg))
        if self.quiet:
            return ModuleError(said)
        data = {"assertion": condition if isinstance(condition, bool) else str(condition)}
        return ModuleError(said, evaluated_to=False, **data)


def _truth(value: Any) -> Any:
    """Data as a condition: no expression is read from it, whoever wrote it."""
    if isinstance(value, str) and value not in ("True", "False"):
        words = f"that: a template came to a list with the text {value!r:.80}"
        raise ModuleError(f"{words}, and a text is never read as a condition")
    return value if not isinstance(value, str) else value == "True"


def _message(value: Any) -> Any:
    return value if isinstance(value, (str, list)) else str(value)


def _except(cls: type[Action], action: RawAction, call: Call, *raw: str) -> Action:
    """The action rendered, but for some of its arguments, which stay templates where they are."""
    kept = {name: value for name, value in action.args.items() if name in raw}
    others = {name: value for name, value in action.args.items() if name not in raw}
    args, free_form = rendered(replace(action, args=others), call.templar)
    made: Any = resolve(cls, {**args, **kept}, free_form, action.origin, action.places)
    as_written = {_ALIASES.get(name, name): value for name, value in kept.items()}
    found: Action = replace(made, **as_written)
    return found
