"""A plugin's file: executed, and its functions made such that templates can call them."""

from __future__ import annotations

import functools
import os
import traceback
import zlib
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from opsrun.errors import OpsrunError
from opsrun.playbook.plugins.importing import Importer, MissingImport
from opsrun.playbook.plugins.stand_ins.display import TELL, Display
from opsrun.playbook.plugins.stand_ins.errors import AnsibleError, AnsibleUndefinedVariable
from opsrun.playbook.plugins.stand_ins.lookup import Loader, Templar
from opsrun.playbook.templating.library import Function, PluginError
from opsrun.playbook.templating.undefined import Missing, NotThere

CLASSES: Mapping[str, tuple[str, str]] = {
    "filter": ("FilterModule", "filters"),
    "test": ("TestModule", "tests"),
}
"""By kind, the class that a file has, and its method that gives functions by name."""
Tell = Callable[[str], None]
_ENDS = (Exception, SystemExit)
"""What ends a plugin's code: `sys.exit` is its own end, and not the run's."""


class Unusable(Exception):
    """A plugin's file can't be used; says why, without the file's name."""


def functions(importer: Importer, kind: str, path: str, package: str, tell: Tell) -> dict[str, Any]:
    """What a file offers, by name.

    Args:
        importer: executes it.
        kind: ``filter``, ``test`` or ``lookup``.
        path: the file.
        package: what relative imports are seen from; empty for none.
        tell: takes warnings of the plugin's.

    Raises:
        Unusable: it can't be executed, or is no such plugin.
    """
    module = _module(importer, kind, path, package, tell)
    if kind == "lookup":
        name = os.path.splitext(os.path.basename(path))[0]
        return {name: _lookup(_class(module, "LookupModule"), module, path, tell)}
    class_name, method = CLASSES[kind]
    try:
        found = getattr(_class(module, class_name)(), method)()
    except _ENDS as error:
        raise Unusable(_told(error, path)) from error
    if not isinstance(found, Mapping):
        raise Unusable(f"{class_name}.{method}() gives no dictionary of functions")
    return {str(name): guarded(each, path, tell) for name, each in found.items()}


def _module(importer: Importer, kind: str, path: str, package: str, tell: Tell) -> ModuleType:
    name = _module_name(kind, path, package)
    token = TELL.set(tell)
    try:
        return importer.execute(path, name, package)
    except SyntaxError as error:
        raise Unusable(f"line {error.lineno}: {error.msg}") from error
    except OSError as error:
        raise Unusable(error.strerror or str(error)) from error
    except _ENDS as error:
        raise Unusable(_told(error, path)) from error
    finally:
        TELL.reset(token)


def _module_name(kind: str, path: str, package: str) -> str:
    """``__name__`` as the plugin sees it: as under Ansible, where files of one name differ."""
    stem = os.path.splitext(os.path.basename(path))[0]
    if package:
        return f"{package}.{stem}"
    number = zlib.crc32(path.encode("utf-8", "surrogateescape"))
    return f"ansible.plugins.{kind}.{stem if kind == 'lookup' else f'{number}_{stem}'}"


def _class(module: ModuleType, name: str) -> Any:
    found = getattr(module, name, None)
    if not isinstance(found, type):
        raise Unusable(f"there is no class {name} in it")
    return found


def guarded(function: Any, path: str, tell: Tell) -> Function:
    """``function``, whose errors name the file and line that they come from."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        token = TELL.set(tell)
        try:
            return function(*args, **kwargs)
        except _ENDS as error:
            raise _fault(error, path) from error
        finally:
            TELL.reset(token)

    return call


def _fault(error: Exception | SystemExit, path: str) -> BaseException:
    """What is told of an error in a plugin; errors about undefined values stay what they are."""
    if type(error).__module__.startswith("jinja2.") or isinstance(
        error, (PluginError, OpsrunError)
    ):
        return error
    if isinstance(error, AnsibleUndefinedVariable):
        return NotThere(Missing(hint=str(error)))
    return PluginError(f"{_place(error, path)}: {_words(error)}")


def _told(error: BaseException, path: str) -> str:
    line = _line(error, path)
    return f"line {line}: {_words(error)}" if line else _words(error)


def _words(error: BaseException) -> str:
    words = str(error)
    if isinstance(error, (AnsibleError, MissingImport)) and words:
        return words
    return f"{type(error).__name__}: {words or 'no further words'}"


def _place(error: BaseException, path: str) -> str:
    line = _line(error, path)
    return f"{path}:{line}" if line else path


def _line(error: BaseException, path: str) -> int | None:
    """The last line of the file that was under way."""
    frames = traceback.extract_tb(error.__traceback__)
    return next((each.lineno for each in reversed(frames) if each.filename == path), None)


def _lookup(kind: Any, module: ModuleType, path: str, tell: Tell) -> Function:
    declared: list[Mapping[str, Any]] = []

    def look_up(terms: list[Any], run: Any, **options: Any) -> list[Any]:
        if not declared:
            declared.append(_declared(module))
        made = kind(loader=Loader(run), templar=Templar(run))
        # Its constructor may not have called that of LookupBase.
        own = {"_loader": Loader(run), "_templar": Templar(run), "_options": {}}
        for name, value in {**own, "_display": Display()}.items():
            if getattr(made, name, None) is None:
                setattr(made, name, value)
        made._run_of_lookup = run
        made._declared = declared[0]
        found = made.run(terms, variables=run.variables, **options)
        return found if isinstance(found, list) else [] if found is None else list(_entries(found))

    return guarded(look_up, path, tell)


def _entries(found: Any) -> Any:
    return found if hasattr(found, "__iter__") and not isinstance(found, (str, dict)) else [found]


def _declared(module: ModuleType) -> Mapping[str, Any]:
    """The options that a lookup's DOCUMENTATION has."""
    import yaml

    try:
        found = yaml.safe_load(getattr(module, "DOCUMENTATION", "") or "")
    except yaml.YAMLError:
        return {}
    options = found.get("options") if isinstance(found, dict) else None
    return {str(k): v or {} for k, v in options.items()} if isinstance(options, dict) else {}
