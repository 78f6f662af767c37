"""set_fact, include_vars, set_stats: variables that a task makes."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from opsrun.dialect.tags import trusted
from opsrun.errors import OpsrunError, PlaybookError
from opsrun.modules.base import ModuleError, ModuleResult
from opsrun.modules.coercion import BadValue, coerced
from opsrun.modules.options import module, option
from opsrun.playbook.actions.base import Acted, Action, Call, rendered
from opsrun.playbook.messages import Exports, Stats
from opsrun.playbook.model.nodes import RawAction
from opsrun.vault.envelope import is_sealed

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_NAMES = "letters, digits and underscores, and no digit first"
_SAID = {"true": True, "yes": True, "false": False, "no": False}
"""Texts that set_fact takes for booleans, in any case of letters; as Ansible 2.18."""
_EXTENSIONS = ("yaml", "yml", "json")


@module("set_fact")
class SetFact(Action):
    """Set variables of the host, by name."""

    passes = True

    cacheable: bool = option(False, doc="Keep them as facts, too.")
    values: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def prepare(cls, action: RawAction, call: Call) -> Action:
        """Every other argument is a variable."""
        args, _ = rendered(action, call.templar)
        try:
            cacheable = coerced("bool", args.pop("cacheable", False))
        except BadValue as bad:
            raise call.fail(f"cacheable: {bad}") from bad
        return cls(cacheable=cacheable, values=_named(args, call, action))

    def act(self, call: Call) -> Acted:
        """Export them."""
        values = self.values
        if not values:
            raise call.fail("set_fact needs at least one variable to set")
        for name in values:
            if not _NAME.match(str(name)):
                raise call.fail(f"{name!r} can be no variable's name; expected {_NAMES}")
        exports = Exports(variables=values, cacheable=values if self.cacheable else {})
        return Acted(ModuleResult(facts=values), exports)


def _named(values: Mapping[str, Any], call: Call, action: RawAction) -> dict[str, Any]:
    """By their names, of which each may be a template: one that the playbook itself has."""

    def name_of(name: Any) -> str:
        own = name in action.args
        return str(call.templar.render(trusted(str(name), action.origin) if own else name))

    return {name_of(name): _as_boolean(value) for name, value in values.items()}


def _is_sealed(path: str) -> bool:
    with open(path, "rb") as file:
        return is_sealed(file.read(64))


def _as_boolean(value: Any) -> Any:
    return _SAID.get(value.lower(), value) if isinstance(value, str) else value


@module("include_vars", free_form="file", exclusive=[("file", "dir")])
class IncludeVars(Action):
    """Variables from files of the controller."""

    passes = True

    file: str | None = option(kind="path", doc="A file with variables.")
    dir: str | None = option(kind="path", doc="A directory of such files.")
    into: str | None = option(name="name", doc="A variable that gets all of them, as a mapping.")
    depth: int = option(0, doc="How deep below ``dir``; 0 for all the way.")
    files_matching: str | None = option(doc="A regular expression that names have to match.")
    ignore_files: Any = option((), kind="list", elements="str", doc="Names to leave out.")
    extensions: Any = option(_EXTENSIONS, kind="list", elements="str", doc="Endings of names.")
    ignore_unknown_extensions: bool = option(False, doc="Leave out other files, silently.")
    hash_behaviour: str | None = option(choices=("replace", "merge"), doc="How mappings meet.")

    def act(self, call: Call) -> Acted:
        """Read them all."""
        try:
            self._check_patterns(call)
            paths = self._below(call) if self.dir is not None else [self._one(call)]
            return self._read(paths, call)
        except (ModuleError, PlaybookError) as error:
            words = error.msg if isinstance(error, ModuleError) else str(error)
            raise call.fail(words, message=words, ansible_included_var_files=[]) from error

    def _read(self, paths: list[str], call: Call) -> Acted:
        values: dict[str, Any] = {}
        for path in paths:
            # Among the files the later one wins; `hash_behaviour` is about what is known before.
            values |= call.read_vars(path)
        if self.into:
            values = {self.into: values}
        if self.hash_behaviour == "merge":
            values = self._merged_with_known(values, call)
        data = {"ansible_included_var_files": paths}
        result = ModuleResult(facts=_shown(values, call), data=data)
        # Whoever encrypted a file doesn't want to read it in the output.
        return Acted(result, Exports(included=values), hidden=any(map(_is_sealed, paths)))

    def _check_patterns(self, call: Call) -> None:
        for pattern in (self.files_matching or "", *self.ignore_files):
            try:
                re.compile(pattern)
            except re.error as error:
                raise call.fail(f"{pattern!r} is no regular expression: {error}") from error

    def _one(self, call: Call) -> str:
        if not self.file:
            raise call.fail("Could not find file: include_vars needs the name of one, or of a dir")
        name = self.file.strip()
        found = call.search.find(name, "vars")
        if found is None:
            looked = ", ".join(call.search.searched(name, "vars"))
            raise call.fail(f"could not find {name!r}; looked for {looked}")
        return found

    def _below(self, call: Call) -> list[str]:
        assert self.dir is not None
        # Outside of a role, it is seen from the playbook alone.
        top = call.search.find(self.dir, "vars" if call.task.role is not None else "")
        if top is None or not os.path.isdir(top):
            raise call.fail(f"{self.dir} directory does not exist")
        found: list[str] = []
        seen: set[str] = set()
        for folder, folders, names in os.walk(top, followlinks=True):
            real = os.path.realpath(folder)
            if real in seen:
                # A link that leads back up.
                folders.clear()
                continue
            seen.add(real)
            folders.sort()
            below = os.path.relpath(folder, top)
            level = 1 if below == "." else 1 + len(below.split(os.sep))
            if self.depth and level >= self.depth:
                folders.clear()
            found += [
                os.path.join(folder, name) for name in sorted(names) if self._wanted(name, call)
            ]
        return found

    def _wanted(self, name: str, call: Call) -> bool:
        if any(re.search(rf"{pattern}$", name) for pattern in self.ignore_files):
            return False
        if self.files_matching and not re.search(self.files_matching, name):
            return False
        if os.path.splitext(name)[1][1:] in self.extensions:
            return True
        if not self.ignore_unknown_extensions:
            words = ", ".join(self.extensions)
            raise call.fail(f"{name} does not have a valid extension: {words}")
        return False

    def _merged_with_known(self, values: dict[str, Any], call: Call) -> dict[str, Any]:
        from opsrun.dialect.tags import Template

        found = {}
        for name, value in values.items():
            before = call.templar.render(Template("{{ " + name + " | default({}) }}"))
            both = isinstance(before, Mapping) and isinstance(value, Mapping)
            found[name] = _merged(before, value) if both else value
        return found


def _shown(values: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """The values as they are now, for the result; what can't be rendered yet is left out."""
    templar, found = call.templar.with_variables(values), {}
    for name, value in values.items():
        try:
            found[name] = templar.render(value)
        except OpsrunError:
            continue
    return found


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(old)
    for name, value in new.items():
        before = found.get(name)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            found[name] = _merged(before, value)
        else:
            found[name] = value
    return found


@module("set_stats")
class SetStats(Action):
    """Values for the end of the run."""

    passes = True

    data: Any = option(kind="dict", doc="Names and values.")
    per_host: bool = option(False, doc="For each host by itself.")
    aggregate: bool = option(True, doc="Add to what is there.")

    def act(self, call: Call) -> Acted:
        """Export them."""
        data = dict(self.data or {})
        for name in data:
            if not _NAME.match(str(name)):
                raise call.fail(f"{name!r} can be no variable's name; expected {_NAMES}")
        stats = Stats(data, self.per_host, self.aggregate)
        told = {"data": data, "per_host": self.per_host, "aggregate": self.aggregate}
        return Acted(ModuleResult(data={"ansible_stats": told}), Exports(stats=(stats,)))
