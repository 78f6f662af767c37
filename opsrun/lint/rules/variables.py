"""Variables that nothing in the project could define."""

from __future__ import annotations

import os

from opsrun.dialect.origin import Origin
from opsrun.lint.discovery import is_aside
from opsrun.lint.names import ALWAYS
from opsrun.lint.project import Project
from opsrun.lint.texts import Text, texts
from opsrun.lint.view import FileView


def check(view: FileView, project: Project) -> None:
    """See the module's docstring."""
    told: set[str] = set()
    if not _is_rendered(view, project):
        return
    for text in texts(view):
        for use in text.inspection.names:
            if use.name in told or use.name in ALWAYS or project.index.knows(use.name):
                continue
            is_unsure = not project.is_whole or is_aside(view.path, project.root)
            near = project.index.near(use.name) or ""
            if is_unsure and near.strip("_") in ("", use.name.strip("_")):
                # It may be one of what isn't here.
                continue
            told.add(use.name)
            _tell(view, project, text, use.name, use.line)


def _is_rendered(view: FileView, project: Project) -> bool:
    """Whether a template file is one for hosts: other programs have templates, too."""
    if view.found.kind != "template" or view.found.role:
        return True
    full = os.path.abspath(view.path)
    near = any(full.startswith(folder + os.sep) for folder in project.playbook_folders)
    return near and os.path.basename(full) in project.index.templates


def _tell(view: FileView, project: Project, text: Text, name: str, line: int) -> None:
    guess = project.index.near(name)
    hint = f"; did you mean {guess!r}?" if guess else ""
    if not hint:
        hint = "; set it in defaults or vars, or give it a default"
    block = text.kind != "file" and view.at(text.origin)[:1] in ("|", ">")
    down = line - 1 + (1 if block else 0)
    origin: Origin = text.origin
    words = f"nothing in this project defines {name!r}{hint}"
    view.tell_word("undefined-variable", origin, name, words, down)
