"""Reads the files that a source is made of."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from opsrun.dialect.text import Unsealed, decode
from opsrun.errors import InventoryError
from opsrun.vault.envelope import is_sealed
from opsrun.vault.vault import NO_VAULT, Vault

MAX_BYTES = 256 * 1024 * 1024
SCRIPT_TIMEOUT = 120.0
"""Seconds that one call of a script may take."""


@dataclass(frozen=True, slots=True)
class Place:
    """Turns a path as the operator wrote it into one that can be opened."""

    cwd: str
    vault: Vault = NO_VAULT
    """Opens files and values that are encrypted."""
    of_run: Callable[[str, str], Sequence[str]] | None = None
    """Gives hosts of a run by how it ended for them; None where no journal is at hand."""

    def real(self, path: str) -> str:
        """``path`` seen from the working directory, ``~`` expanded."""
        return os.path.join(self.cwd, os.path.expanduser(path))

    def read(self, path: str) -> str:
        """The text of a file, decrypted, without a byte-order mark.

        Raises:
            InventoryError: it can't be read, is no UTF-8 or is absurdly large; or it is encrypted,
                and no secret opens it.
        """
        data = self._bytes(path)
        if is_sealed(data):
            opened = self.vault.open(data, path=path, error=InventoryError)
            return Unsealed(decode(opened, path))
        return decode(data, path)

    def _bytes(self, path: str) -> bytes:
        try:
            with open(self.real(path), "rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise InventoryError(error.strerror or str(error), path=path) from error
        if len(data) > MAX_BYTES:
            raise InventoryError(f"larger than {MAX_BYTES} bytes", path=path)
        return data


def is_script(path: str, place: Place) -> bool:
    """An executable file that can be started: it begins with ``#!``, or is a binary program.

    An executable file without either is an inventory whose mode is a leftover of some file system.
    """
    real = place.real(path)
    if not os.access(real, os.X_OK) or not os.path.isfile(real):
        return False
    try:
        with open(real, "rb") as file:
            head = file.read(4)
    except OSError:
        return True
    return head.startswith(b"#!") or head == b"\x7fELF"
