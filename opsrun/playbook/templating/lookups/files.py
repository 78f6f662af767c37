"""What is in files on the controller: data, never templates."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable
from typing import Any

from opsrun.dialect.tags import holds_template
from opsrun.playbook.templating.filters.choices import to_bool
from opsrun.playbook.templating.filters.values import a_text
from opsrun.playbook.templating.library import LookupRun, PluginError


def found_file(run: LookupRun, name: Any, folder: str = "files") -> str:
    """The path of a local file. Raises PluginError with all that was looked at."""
    wanted = a_text(name, "a file lookup")
    path = run.context.find(wanted, folder)
    if path is None or not wanted:
        raise PluginError(f"there is no file {wanted!r}{_searched(run, wanted, folder)}")
    return path


def _searched(run: LookupRun, name: str, folder: str) -> str:
    paths = run.context.searched(name, folder)
    return "; searched: " + ", ".join(paths) if paths else ""


def content(run: LookupRun, path: str) -> str:
    """A local file's text; bytes that are no UTF-8 are kept (``surrogateescape``)."""
    try:
        return run.context.read(path).decode("utf-8", "surrogateescape")
    except OSError as error:
        raise PluginError(f"can't read {path}: {error.strerror}") from error


def file(terms: list[Any], run: LookupRun, lstrip: Any = False, rstrip: Any = True) -> list[Any]:
    """The texts of files, searched for in ``files``; white space at the end is cut off."""
    made = []
    for term in terms:
        found = content(run, found_file(run, term))
        found = found.lstrip() if to_bool(lstrip) else found
        made.append(found.rstrip() if to_bool(rstrip) else found)
    return made


def unvault(terms: list[Any], run: LookupRun) -> list[Any]:
    """The texts of files as they are, decrypted where they are vaults."""
    return [content(run, found_file(run, term)) for term in terms]


def fileglob(terms: list[Any], run: LookupRun) -> list[Any]:
    """The files, not folders, that match patterns, in order of their names. A pattern's folder is
    searched for in ``files``; the first place that has matches is taken."""
    made: list[str] = []
    for term in terms:
        made += _matches(run, a_text(term, "fileglob"))
    return made


def _matches(run: LookupRun, pattern: str) -> list[str]:
    folder, name = os.path.split(os.path.expanduser(pattern))
    for place in run.context.searched(folder or ".", "files"):
        whole = os.path.join(glob.escape(os.path.abspath(place)), name)
        found = [each for each in glob.glob(whole) if os.path.isfile(each)]
        if found:
            return sorted(found)
    return []


_TEMPLATE_OPTIONS = (
    "variable_start_string",
    "variable_end_string",
    "comment_start_string",
    "comment_end_string",
    "block_start_string",
    "block_end_string",
    "trim_blocks",
    "lstrip_blocks",
)


def template(
    terms: list[Any],
    run: LookupRun,
    convert_data: Any = True,
    template_vars: Any = None,
    jinja2_native: Any = None,
    **options: Any,
) -> list[Any]:
    """What template files, searched for in ``templates``, come to.

    Args:
        convert_data: a result that spells a list or a dictionary becomes one.
        template_vars: more variables, before all others.
        jinja2_native: without meaning here: values keep their types anyway.
        options: the delimiters and trimming, as the template module has them.
    """
    unknown = set(options) - set(_TEMPLATE_OPTIONS)
    if unknown:
        raise PluginError(f"a template has no option {min(unknown)!r}")
    made = []
    for term in terms:
        path = found_file(run, term, "templates")
        wanted = {**options, "src": str(term), "template_vars": template_vars or {}}
        written = run.templar.file(path, wanted).decode("utf-8", "surrogateescape")
        converts = to_bool(convert_data) and _converts(content(run, path))
        made.append(_converted(written) if converts else written)
    return made


_JSON_LAST = re.compile(r"\|\s*(?:to_json|to_nice_json|tojson)\b[^{}]*\}\}\s*\Z")


def _converts(source: str) -> bool:
    """A file without any template stays text, and so does what was written as JSON on purpose."""
    return holds_template(source) and _JSON_LAST.search(source) is None


def _converted(written: str) -> Any:
    from opsrun.playbook.templating.literal import literal

    if written in ("True", "False"):
        return written == "True"
    return literal(written) if written.startswith(("{", "[")) else written


LOOKUPS: dict[str, Callable[..., Any]] = {
    "file": file,
    "unvault": unvault,
    "fileglob": fileglob,
    "template": template,
}
