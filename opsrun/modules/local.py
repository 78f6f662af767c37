"""Files of the controller's that modules send."""

from __future__ import annotations

import os.path

from opsrun.errors import InputError
from opsrun.modules.base import Context, ModuleError
from opsrun.modules.content import Content
from opsrun.vault.envelope import is_sealed


def found_file(name: str, folder: str, context: Context, *, directory: bool = False) -> str:
    """The path of a local file that a task names.

    Args:
        name: as written.
        folder: ``files`` or ``templates``.
        context: knows where to look.
        directory: whether it may be one.

    Raises:
        ModuleError: there is none; says where it was looked for.
    """
    path = context.controller.find(name, folder)
    if path is None or not os.path.exists(path):
        places = "".join(f"\n  {each}" for each in context.controller.searched(name, folder))
        where = f"; looked for:{places}" if places else ""
        raise ModuleError(f"there is no {name} on the controller{where}")
    if os.path.isdir(path) and not directory:
        raise ModuleError(f"{path} is a directory, and a file is wanted")
    if not os.access(path, os.R_OK):
        raise ModuleError(f"{path} on the controller can't be read: permission denied")
    return path


def content_of(path: str, context: Context, *, decrypt: bool = True) -> Content:
    """What is in a local file; of one that is encrypted, what was encrypted.

    Args:
        path: the file.
        context: knows the secrets.
        decrypt: False takes it as it is: an envelope, for whoever opens it there.

    Raises:
        ModuleError: it can't be read, or opened: its envelope must not arrive in place of what is
            in it.
    """
    found = Content.of_file(path)
    if not decrypt or not is_sealed(found.beginning()):
        return found
    try:
        return Content.of_bytes(context.controller.opened(path), path, found.mode)
    except OSError as error:
        raise ModuleError(f"{path}: {error.strerror}") from error
    except InputError as error:
        raise ModuleError(f"{error} (decrypt: false sends it as it is)") from error
