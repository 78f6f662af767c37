"""What a task goes through, and what it knows at each item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsrun.dialect.origin import Origin
from opsrun.errors import TemplateError, UndefinedVariable
from opsrun.modules.base import ModuleError
from opsrun.playbook.interfaces import Templar
from opsrun.playbook.model.nodes import Task
from opsrun.playbook.runner.values import truth


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a loop."""

    value: Any
    index: int
    variables: Mapping[str, Any]
    """What templates see of it."""
    loop_var: str
    index_var: str | None = None

    def marks(self) -> dict[str, Any]:
        """What its result says about it."""
        found = {self.loop_var: self.value, "ansible_loop_var": self.loop_var}
        if self.index_var is not None:
            found[self.index_var] = self.index
            found["ansible_index_var"] = self.index_var
        if "ansible_loop" in self.variables:
            found["ansible_loop"] = self.variables["ansible_loop"]
        return found


def values(task: Task, templar: Templar) -> list[Any]:
    """What there is to go through.

    Raises:
        TemplateError, ModuleError: it can't be worked out, or is no list.
    """
    loop = task.loop
    assert loop is not None
    name = "loop" if loop.lookup is None else f"with_{loop.lookup}"
    origin = task.places.get(name, task.origin)
    if loop.lookup is not None:
        terms = _terms(loop.value, templar, loop.lookup, origin)
        folder = {"_folder": _folder(task)} if loop.lookup == "first_found" else {}
        return _looked_up(name, loop.lookup, terms, folder, templar, origin)
    found = templar.render(loop.value, origin)
    if not isinstance(found, list):
        raise ModuleError(f"loop: expected a list, found {_kind(found)}")
    return found


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return f"a dictionary (of {len(value)}); dict2items makes a list of it"
    return f"text: {value!r:.200}" if isinstance(value, str) else f"{value!r:.200}"


def _looked_up(
    name: str,
    lookup: str,
    terms: Sequence[Any],
    options: Mapping[str, Any],
    templar: Templar,
    origin: Origin,
) -> list[Any]:
    try:
        return templar.lookup(lookup, terms, options)
    except TemplateError as error:
        if error.line is not None:
            raise
        # Terms are values by now: of the loop alone it is known where it is written.
        raise type(error)(
            f"{name}: {error.message}", path=origin.path, line=origin.line, column=origin.column
        ) from error


def _folder(task: Task) -> str:
    """Where a role has the files that such a task names."""
    module = task.action.name
    return next((f"{kind}s" for kind in ("template", "var") if kind in module), "files")


def _terms(value: Any, templar: Templar, lookup: str, origin: Any) -> Sequence[Any]:
    if lookup == "first_found":
        several = value if isinstance(value, list) else [value]
        return [term for each in several for term in _candidates(each, templar, origin)]
    found = templar.render(value, origin)
    if isinstance(found, list):
        return found
    if lookup == "list" and isinstance(found, Mapping):
        raise ModuleError(f"with_list expects a list, found {_kind(found)}")
    return [] if found is None else [found]


def _candidates(value: Any, templar: Templar, origin: Any) -> Sequence[Any]:
    """Terms of ``with_first_found``: a name that can't be made isn't there, and the next may be."""
    if isinstance(value, Mapping) and not isinstance(value.get("files"), str):
        named = value.get("files") or []
        files = [one for each in named for one in _candidates(each, templar, origin)]
        rest = {key: each for key, each in value.items() if key != "files"}
        return [{**templar.render(rest, origin), "files": files}]
    try:
        found = templar.render(value, origin)
    except UndefinedVariable:
        return []
    return found if isinstance(found, list) else [found]


def items(task: Task, found: Sequence[Any], templar: Templar) -> list[Item]:
    """The items with what templates see of each.

    Raises:
        TemplateError, ModuleError: ``loop_control`` can't be used.
    """
    assert task.loop is not None
    control = task.loop.control
    loop_var = _variable("loop_var", control.loop_var, templar)
    index_var = None
    if control.index_var is not None:
        index_var = _variable("index_var", control.index_var, templar)
    extended = truth(templar.render(control.extended), "extended")
    everything = truth(templar.render(control.extended_allitems), "extended_allitems")
    made = []
    for index, value in enumerate(found):
        seen: dict[str, Any] = {loop_var: value, "ansible_loop_var": loop_var}
        if index_var is not None:
            seen |= {index_var: index, "ansible_index_var": index_var}
        if extended:
            seen["ansible_loop"] = _extended(found, index, everything)
        made.append(Item(value, index, seen, loop_var, index_var))
    return made


def _variable(what: str, value: Any, templar: Templar) -> str:
    name = templar.render(value)
    if not isinstance(name, (str, int)) or not str(name):
        raise ModuleError(f"{what}: expected a variable's name, found {name!r:.80}")
    return str(name)


def _extended(found: Sequence[Any], index: int, everything: bool) -> dict[str, Any]:
    length = len(found)
    known: dict[str, Any] = {
        "index": index + 1,
        "index0": index,
        "first": index == 0,
        "last": index + 1 == length,
        "length": length,
        "revindex": length - index,
        "revindex0": length - index - 1,
    }
    if everything:
        known["allitems"] = list(found)
    if index + 1 < length:
        known["nextitem"] = found[index + 1]
    if index > 0:
        known["previtem"] = found[index - 1]
    return known


def together(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What ``register`` gets of a whole loop."""
    failed = any(each.get("failed") for each in results)
    skipped = all(each.get("skipped") for each in results)
    found: dict[str, Any] = {
        "results": list(results),
        "changed": any(each.get("changed") for each in results),
        "skipped": skipped,
        "msg": "All items completed",
    }
    if failed:
        found |= {"failed": True, "msg": "One or more items failed"}
    if skipped:
        found["msg"] = "All items skipped"
    if any(each.get("unreachable") for each in results):
        found["unreachable"] = True
    for key in ("warnings", "deprecations"):
        said = [words for each in results for words in each.get(key, ())]
        if said:
            found[key] = said
    return found


NO_ITEMS = {
    "changed": False,
    "skipped": True,
    "skipped_reason": "No items in the list",
    "results": [],
}
"""Of a loop over nothing."""
