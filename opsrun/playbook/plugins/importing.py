"""``import`` as plugins see it: stand-ins for ansible-core, files of collections, and Python's own.

A plugin's module has a ``__builtins__`` of its own, whose ``__import__`` is an `Importer`; so an
import within a function, which is done when the function is called, comes here, too. Nothing
changes for other code of the process, and a real ansible-core that may be installed is not touched.
"""

from __future__ import annotations

import builtins
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

from opsrun.errors import did_you_mean
from opsrun.playbook.plugins import stand_ins

Folders = Callable[[str], Sequence[str]]
"""From a collection's name (``ns.name``) to the directories that it may be in."""


def _print(*values: object, file: Any = None, **more: Any) -> None:
    """`print` as plugins see it: standard output is for what opsrun has to say."""
    builtins.print(*values, file=sys.stderr if file is None else file, **more)


class MissingImport(ModuleNotFoundError):
    """A plugin needs something of ansible-core, or of a collection, that isn't here."""


class Importer:
    """Executes plugins' files, and answers their imports.

    Args:
        folders: see `Folders`.
    """

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._modules: dict[str, ModuleType] = {}
        self._builtins = {**vars(builtins), "__import__": self, "print": _print}

    def execute(self, path: str, name: str, package: str = "") -> ModuleType:
        """The module of a file. Raises whatever it raises, SyntaxError, OSError.

        Args:
            path: the file.
            name: how it is called.
            package: what relative imports in it are seen from.
        """
        with open(path, "rb") as file:
            code = compile(file.read(), path, "exec", dont_inherit=True)
        made = ModuleType(name)
        made.__dict__.update(__file__=path, __package__=package, __builtins__=self._builtins)
        self._modules[name] = made
        try:
            exec(code, made.__dict__)
        except BaseException:
            del self._modules[name]
            raise
        return made

    def __call__(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """See `builtins.__import__`."""
        if level:
            package = str((globals or {}).get("__package__") or "")
            if not package:
                raise MissingImport("a plugin beside a playbook or role has no package around it")
            name = ".".join(
                part for part in (*package.split(".")[: _depth(package, level)], name) if part
            )
        top = name.partition(".")[0]
        if top == "ansible_collections":
            return self._from(name, fromlist, self._of_collection)
        if top == "ansible" or (top == "distutils" and not _is_there("distutils")):
            return self._from(name, fromlist, _stand_in)
        return builtins.__import__(name, globals, locals, fromlist or (), 0)

    def _from(
        self, name: str, fromlist: Sequence[str] | None, find: Callable[[str], ModuleType]
    ) -> ModuleType:
        found = find(name)
        for each in fromlist or ():
            if each != "*" and not hasattr(found, each):
                setattr(found, each, _part(find, found, name, each))
        if fromlist:
            return found
        while "." in name:
            name, _, last = name.rpartition(".")
            outer = find(name)
            setattr(outer, last, found)
            found = outer
        return found

    def _of_collection(self, name: str) -> ModuleType:
        if name in self._modules:
            return self._modules[name]
        parts = name.split(".")
        if len(parts) < 3:
            return self._modules.setdefault(name, ModuleType(name))
        for folder in self._folders(".".join(parts[1:3])):
            base = os.path.join(folder, *parts[3:])
            if os.path.isfile(base + ".py"):
                return self.execute(base + ".py", name, name.rpartition(".")[0])
            if os.path.isfile(os.path.join(base, "__init__.py")):
                return self.execute(os.path.join(base, "__init__.py"), name, name)
            if os.path.isdir(base):
                return self._modules.setdefault(name, ModuleType(name))
        what = "the collection " + ".".join(parts[1:3])
        raise MissingImport(
            f"needs {name}, and {what} has no such file, or is not there", name=name
        )


def _depth(package: str, level: int) -> int:
    """How many names of ``package`` are left ``level`` dots up."""
    return max(0, len(package.split(".")) - level + 1)


def _is_there(name: str) -> bool:
    try:
        builtins.__import__(name)
    except ImportError:
        return False
    return True


def _stand_in(name: str) -> ModuleType:
    found = stand_ins.find(name)
    if found is None:
        words = f"needs {name}, a part of ansible-core for which opsrun has nothing in its place"
        raise MissingImport(words, name=name)
    return found


def _part(
    find: Callable[[str], ModuleType], module: ModuleType, name: str, part: str
) -> ModuleType:
    try:
        return find(f"{name}.{part}")
    except MissingImport as error:
        if error.name != f"{name}.{part}":
            raise
        hint = did_you_mean(part, [each for each in vars(module) if not each.startswith("_")])
        words = f"needs {part!r} of {name}, which opsrun has nothing in place of{hint}"
        raise MissingImport(words, name=f"{name}.{part}") from error
