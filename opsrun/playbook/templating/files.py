"""Template files."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from datetime import datetime
from types import CodeType
from typing import TYPE_CHECKING, Any, cast

from jinja2 import BaseLoader, Environment, Template, TemplateNotFound

from opsrun.dialect.origin import Origin
from opsrun.errors import OpsrunError, TemplateError, did_you_mean
from opsrun.playbook.templating.compiling import ended
from opsrun.playbook.templating.engine import LazyTemplate, Names, TextEnvironment, engine_of
from opsrun.playbook.templating.faults import Written, deepest
from opsrun.playbook.templating.header import OPTIONS, header, option
from opsrun.playbook.templating.managed import managed_text

if TYPE_CHECKING:
    from opsrun.playbook.templating.templar import Templar


def rendered(templar: Templar, path: str, options: Mapping[str, Any]) -> bytes:
    """A template file with a templar's variables.

    Args:
        path: the file on this machine.
        options: as the template module has them; ``src`` and ``dest`` give ``template_path`` and
            ``template_destpath``, and ``template_vars`` are more variables.

    Raises:
        OSError: it can't be read.
        TemplateError: it isn't text, or can't be rendered.
    """
    whole = _decoded(templar.lookups.read(path), path)
    source, found = header(whole, path)
    above = whole.count("\n") - source.count("\n")
    written = Written(source, Origin(path, kind="script"), is_file=True, above=above)
    settings = {**_settings(options, path), **found}
    encoding = str(options.get("output_encoding") or "utf-8")
    environment = _environment(templar, path, settings)
    text = _text(templar, environment, written, options)
    try:
        return text.encode(encoding)
    except LookupError:
        raise TemplateError(f"output_encoding: no encoding {encoding!r}", path=path) from None
    except UnicodeEncodeError as error:
        bad = error.object[error.start : error.start + 1]
        raise TemplateError(f"{encoding} can't hold the character {bad!r}", path=path) from error


def _decoded(data: bytes, path: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise TemplateError("expected text in UTF-8", path=path, line=line) from error


def _settings(options: Mapping[str, Any], path: str) -> dict[str, Any]:
    return {name: option(name, options[name], path) for name in OPTIONS if name in options}


def _environment(templar: Templar, path: str, settings: dict[str, Any]) -> TextEnvironment:
    ground = engine_of(templar.library).texts(tuple(sorted(settings.items())))
    made = ground.overlay()
    made.templar = templar
    made.loader = _Loader(templar, path, ground)
    return made


def _text(
    templar: Templar,
    environment: TextEnvironment,
    written: Written,
    options: Mapping[str, Any],
) -> str:
    source, path = written.source, written.origin.path
    try:
        template = cast(_Loader, environment.loader).made(environment, source, path, path)
        own = {**_facts(path, options, templar), **(options.get("template_vars") or {})}
        context = template.new_context(Names(templar, own))
        text = "".join(template.root_render_func(context))
        return ended(text, source, environment.newline_sequence)
    except OpsrunError as error:
        if isinstance(error, TemplateError) and error.path is not None:
            raise
        raise _told(templar, environment, error, written) from error
    except Exception as error:
        raise _told(templar, environment, error, written) from error


def _told(
    templar: Templar, environment: TextEnvironment, error: Exception, written: Written
) -> TemplateError:
    inner: Template | None = deepest(error)
    name = getattr(error, "filename", None) or (inner.filename if inner else None)
    if name and name != written.origin.path and isinstance(environment.loader, _Loader):
        source = environment.loader.sources.get(name)
        if source is not None:
            written = Written(source, Origin(name, kind="script"), is_file=True)
    return templar.fault(error, inner, written).told()


def _facts(path: str, options: Mapping[str, Any], templar: Templar) -> dict[str, Any]:
    status = os.stat(path) if os.path.exists(path) else None
    moment = datetime.fromtimestamp(status.st_mtime) if status else datetime.now()
    known = {
        "template_host": os.uname().nodename,
        "template_path": options.get("src") or path,
        "template_fullpath": os.path.abspath(path),
        "template_destpath": options.get("dest"),
        "template_mtime": moment,
        "template_uid": _owner(status.st_uid) if status else "",
        "template_run_date": datetime.now(),
    }
    return {"ansible_managed": managed_text(templar, templar.lookups.managed, known), **known}


def _owner(uid: int) -> str | int:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return uid


class _Loader(BaseLoader):
    """Finds what a template file includes, imports or extends."""

    def __init__(self, templar: Templar, path: str, ground: TextEnvironment) -> None:
        self.sources: dict[str, str] = {}
        self._templar = templar
        self._folders = [os.path.dirname(path) or ".", *templar.lookups.folders]
        self._codes: dict[tuple[str, str], CodeType] = ground.__dict__.setdefault("codes", {})

    def made(self, environment: Environment, source: str, name: str, path: str) -> LazyTemplate:
        """A template of ``source``; compiled once for all hosts."""
        self.sources[path] = source
        code = self._codes.get((path, source))
        if code is None:
            code = self._codes[path, source] = environment.compile(source, name, path)
        return LazyTemplate.from_code(environment, code, {}, None)

    def load(self, environment: Environment, name: str, globals: Any = None) -> LazyTemplate:
        for folder in self._folders:
            path = os.path.normpath(os.path.join(folder, name))
            if os.path.isfile(path):
                source = _decoded(self._templar.lookups.read(path), path)
                return self.made(environment, source, name, path)
        raise TemplateNotFound(name, self._words(name))

    def _words(self, name: str) -> str:
        beside = [each for folder in self._folders for each in _listed(folder)]
        looked = ", ".join(self._folders)
        return f"there is no template {name!r} in {looked}{did_you_mean(name, beside)}"


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
