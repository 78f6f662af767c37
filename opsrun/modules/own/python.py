"""Modules that are Python classes in a file: executed on the controller, declared as opsrun's own.

Their code runs in this process, with all that it may do: as filters of a playbook's do.
"""

from __future__ import annotations

import sys
import traceback
import zlib
from types import ModuleType

from opsrun.errors import InputError
from opsrun.modules.base import Module
from opsrun.modules.declaring import is_declared


class UnusableModule(InputError):
    """A file of a module's can't be used."""


def python_class(name: str, path: str, content: bytes) -> type[Module]:
    """The module that a file declares.

    Args:
        name: as playbooks call it; where a file declares several, the one that has its last part.
        path: of its file.
        content: of its file.

    Raises:
        UnusableModule: with the line that is to blame, where that is known.
    """
    found = declared_in(_executed(path, content))
    last = name.rpartition(".")[2]
    named = [each for each in found if each.name.rpartition(".")[2] == last]
    if len(named) == 1:
        return named[0]
    if not found:
        words = "expected a class declared with @module, a subclass of opsrun.modules.base.Module"
        raise UnusableModule(words, path=path)
    names = ", ".join(sorted(each.name for each in found))
    raise UnusableModule(f"expected a module {last!r} in it, found {names}", path=path)


def declared_in(file: ModuleType) -> list[type[Module]]:
    """The modules that a Python module declares itself, without those that it imports."""
    return [
        each
        for each in vars(file).values()
        if isinstance(each, type)
        and issubclass(each, Module)
        and each.__module__ == file.__name__
        and is_declared(each)
    ]


def _executed(path: str, content: bytes) -> ModuleType:
    name = f"opsrun_library_{zlib.crc32(path.encode('utf-8', 'surrogateescape')):08x}"
    made = ModuleType(name)
    made.__file__ = path
    # Dataclasses look up what their annotations mean in the module of their class.
    sys.modules[name] = made
    try:
        exec(compile(content, path, "exec", dont_inherit=True), vars(made))
    except SyntaxError as error:
        _forget(name)
        raise UnusableModule(
            error.msg, path=path, line=error.lineno, column=error.offset, text=error.text
        ) from error
    except (Exception, SystemExit) as error:
        _forget(name)
        frames = traceback.extract_tb(error.__traceback__)
        line = next((each.lineno for each in reversed(frames) if each.filename == path), None)
        words = f"{type(error).__name__}: {error}"
        raise UnusableModule(words, path=path, line=line) from error
    return made


def _forget(name: str) -> None:
    sys.modules.pop(name, None)
