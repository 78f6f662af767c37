"""Files of the controller's that modules send."""

from __future__ import annotations

import os.path

from opsrun.modules.base import Context, ModuleError

_VAULT = b"$ANSIBLE_VAULT"


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


def in_clear(path: str, *, decrypt: bool = True) -> str:
    """``path``, unless it is encrypted and would have to be decrypted.

    Raises:
        ModuleError: it would; its envelope must not arrive in place of what is in it.
    """
    with open(path, "rb") as file:
        sealed = file.read(len(_VAULT)) == _VAULT
    if sealed and decrypt:
        words = "is encrypted with ansible-vault, which this version can't decrypt"
        raise ModuleError(f"{path} {words} (decrypt: false sends it as it is)")
    return path
