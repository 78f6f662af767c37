"""Reads the files that a playbook leads to, each once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from opsrun.dialect.text import Unsealed, decode
from opsrun.dialect.warning import FileWarning
from opsrun.dialect.yaml_data import Document, parse
from opsrun.errors import PlaybookError
from opsrun.playbook.parse.watching import Watch
from opsrun.vault.envelope import is_sealed
from opsrun.vault.vault import NO_VAULT, Vault

MAX_BYTES = 64 * 1024 * 1024
EXTENSIONS = (".yml", ".yaml", ".json")


@dataclass(slots=True)
class Files:
    """Paths as the operator names them, seen from ``cwd``; documents are kept."""

    cwd: str
    vault: Vault = NO_VAULT
    """Opens files that are encrypted."""
    warnings: list[FileWarning] = field(default_factory=list)
    watch: Watch = field(default_factory=Watch)
    _documents: dict[str, Document] = field(default_factory=dict)
    _real: dict[str, str] = field(default_factory=dict)

    def real(self, path: str) -> str:
        """``path`` as it can be opened: from the working directory, ``~`` expanded."""
        found = self._real.get(path)
        if found is None:
            found = os.path.normpath(os.path.join(self.cwd, os.path.expanduser(path)))
            self._real[path] = found
        return found

    def is_file(self, path: str) -> bool:
        """Whether there is a file, or what can be read like one."""
        return _tried(os.path.exists, self.real(path)) and not self.is_directory(path)

    def is_directory(self, path: str) -> bool:
        """Whether there is a directory."""
        return _tried(os.path.isdir, self.real(path))

    def read(self, path: str) -> str:
        """The text of a file, decrypted. PlaybookError if it can't be read."""
        try:
            with open(self.real(path), "rb") as file:
                data = file.read(MAX_BYTES + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise PlaybookError(reason, path=path) from error
        if len(data) > MAX_BYTES:
            raise PlaybookError(f"larger than {MAX_BYTES} bytes", path=path)
        if is_sealed(data):
            opened = self.vault.open(data, path=path, error=PlaybookError)
            return Unsealed(decode(opened, path, PlaybookError))
        return decode(data, path, PlaybookError)

    def document(self, path: str) -> Document:
        """A YAML file's data, with templates marked. Raises PlaybookError."""
        key = self.real(path)
        if key not in self._documents:
            found = parse(self.read(path), path, templates=True, error=PlaybookError)
            self.warnings.extend(found.warnings)
            self._documents[key] = replace(found, recover=self.watch.problem)
        return self._documents[key]

    def hold(self, path: str, text: str) -> None:
        """Have ``text`` stand for the file at ``path``, which need not be there. PlaybookError."""
        found = parse(text, path, templates=True, error=PlaybookError)
        self._documents[self.real(path)] = replace(found, recover=self.watch.problem)

    def first(self, paths: Iterable[str]) -> str | None:
        """The first of ``paths`` that is a file."""
        return next((path for path in paths if self.is_file(path)), None)

    def below(self, folder: str) -> list[str]:
        """The YAML files in a directory and below it, sorted, hidden ones left out."""
        found: list[str] = []
        try:
            names = sorted(os.listdir(self.real(folder)))
        except OSError as error:
            raise PlaybookError(error.strerror or str(error), path=folder) from error
        for name in names:
            path = os.path.join(folder, name)
            if name.startswith(".") or name.endswith("~"):
                continue
            if self.is_directory(path):
                found += self.below(path)
            elif os.path.splitext(name)[1] in ("", *EXTENSIONS):
                found.append(path)
        return found


def _tried(test: Callable[[str], bool], path: str) -> bool:
    try:
        return test(path)
    except ValueError:
        return False


def joined(folder: str, path: str) -> str:
    """``path`` seen from ``folder``, as the operator would write it."""
    return os.path.normpath(os.path.join(folder, os.path.expanduser(path)))


def unique(paths: Iterable[str]) -> list[str]:
    """Each of ``paths`` once, in order."""
    return list(dict.fromkeys(paths))
