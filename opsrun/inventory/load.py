"""Finds out what kind each source is of, and reads them all into one inventory."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from opsrun.errors import InventoryError, NotBuiltError, did_you_mean
from opsrun.inventory.draft import Draft
from opsrun.inventory.inventory import Inventory
from opsrun.inventory.listed import read_hostfile, read_list
from opsrun.inventory.model import InventoryWarning, Origin
from opsrun.inventory.text import SCRIPT_TIMEOUT, Place, is_script
from opsrun.vault.vault import NO_VAULT, Vault

VARIABLE = "OPSRUN_INVENTORY"
DEFAULT = "inventories"
IGNORED = (
    *(".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt"),
    *(".rst", ".orig", ".ini", ".cfg", ".retry"),
)
"""Endings of files that a directory of sources skips: Ansible's list, ``.ini`` included."""
_SKIPPED = ("group_vars", "host_vars", "vars_plugins")
_YAML = (".yml", ".yaml", ".json")
_YAML_START = re.compile(r"---|\S+:(?:\s|$)")
_MAX_NESTING = 20


def load_inventory(
    sources: Sequence[str] = (),
    *,
    hostfiles: Sequence[str] = (),
    playbook_dir: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
    script_timeout: float = SCRIPT_TIMEOUT,
    vault: Vault = NO_VAULT,
    of_run: Callable[[str, str], Sequence[str]] | None = None,
) -> Inventory:
    """Read every source; where they disagree, later ones win.

    Args:
        sources: files, executable scripts, directories, or host lists (``h1,h2,``). If there are
            none: ``OPSRUN_INVENTORY``, whose sources are separated by commas (a comma at its end
            makes all of it one host list), else ``inventories/``; with ``hostfiles`` there may
            be none at all.
        hostfiles: files with a host or node set a line; ``-`` is standard input. Names that the
            sources know keep the variables they have there.
        playbook_dir: its ``group_vars/`` and ``host_vars/`` win over those beside the sources.
        env: in place of `os.environ`.
        cwd: what relative paths are seen from, in place of the working directory.
        script_timeout: seconds that one call of an inventory script may take.
        vault: opens sources, variable files and values that are encrypted.
        of_run: gives hosts of a run, for patterns such as ``@last:failed``.

    Raises:
        InventoryError: a source can't be read, or opened, or there is none.
        NotBuiltError: a source configures an inventory plugin.
    """
    place = Place(cwd or os.getcwd(), vault, of_run)
    if not sources:
        sources = _default(os.environ if env is None else env, place, needed=not hostfiles)
    loader = _Loader(Draft(), place, script_timeout)
    for source in sources:
        loader.source(source)
    for hostfile in hostfiles:
        read_hostfile(hostfile, place, loader.draft)
    loader.draft.finish()
    loader.draft.again = lambda: load_inventory(
        tuple(sources),
        hostfiles=tuple(hostfiles),
        playbook_dir=playbook_dir,
        env=env,
        cwd=place.cwd,
        script_timeout=script_timeout,
        vault=vault,
        of_run=of_run,
    )
    return Inventory(
        loader.draft,
        bases=_bases(sources, place),
        playbook_bases=(playbook_dir,) if playbook_dir is not None else (),
        place=place,
        sources=(*sources, *hostfiles),
    )


def _default(env: Mapping[str, str], place: Place, *, needed: bool) -> list[str]:
    named = env.get(VARIABLE, "").strip()
    if named.endswith(","):
        return [named]
    if named:
        return [part.strip() for part in named.split(",") if part.strip()]
    if os.path.isdir(place.real(DEFAULT)):
        return [DEFAULT]
    if not needed:
        return []
    raise InventoryError(
        f"no inventory: name one with -i (a file, a directory, or hosts as in `-i web1,web2,`), "
        f"set {VARIABLE}, or make a directory {DEFAULT}/ here"
    )


def _bases(sources: Sequence[str], place: Place) -> list[str]:
    """The directories beside the sources, each once, at the place of its last mention."""
    bases: dict[str, str] = {}
    for source in sources:
        real = place.real(source)
        if not os.path.exists(real):
            continue
        base = source if os.path.isdir(real) else os.path.dirname(source)
        key = os.path.realpath(place.real(base))
        bases.pop(key, None)
        bases[key] = base
    return list(bases.values())


@dataclass(frozen=True, slots=True)
class _Loader:
    draft: Draft
    place: Place
    timeout: float

    def source(self, source: str) -> None:
        real = self.place.real(source)
        if os.path.isdir(real):
            self._directory(source, 0)
        elif os.path.exists(real):
            self._file(source)
        elif "," in source:
            read_list(source, self.draft)
        else:
            raise self._missing(source)

    def _missing(self, source: str) -> InventoryError:
        folder, name = os.path.split(source)
        try:
            known = os.listdir(self.place.real(folder))
        except OSError:
            known = []
        hint = did_you_mean(name, known)
        if not hint and not folder and "." not in name:
            hint = f"; a host list needs a comma: -i {source},"
        return InventoryError(f"no such file or directory{hint}", path=source)

    def _directory(self, path: str, depth: int) -> None:
        if depth > _MAX_NESTING:
            raise InventoryError(f"directories nested more than {_MAX_NESTING} deep", path=path)
        try:
            names = sorted(os.listdir(self.place.real(path)))
        except OSError as error:
            raise InventoryError(error.strerror or str(error), path=path) from error
        for name in names:
            if name.startswith(".") or name in _SKIPPED or name.endswith(IGNORED):
                continue
            inner = os.path.join(path, name)
            if os.path.isdir(self.place.real(inner)):
                self._directory(inner, depth + 1)
            else:
                self._file(inner)

    def _file(self, path: str) -> None:
        if is_script(path, self.place):
            from opsrun.inventory.script import read_script

            read_script(path, self.place, self.draft, timeout=self.timeout)
            return
        extension = os.path.splitext(path)[1]
        if extension == ".toml":
            raise NotBuiltError(f"{path}: TOML inventories are not built into this version")
        text = self.place.read(path)
        if os.access(self.place.real(path), os.X_OK):
            self._note("executable, but not a program: read as an inventory file", path)
        if extension in _YAML or (not extension and self._is_yaml(text, path)):
            self._yaml(text, path)
        else:
            from opsrun.inventory.ini import read_ini

            read_ini(text, path, self.draft)

    def _yaml(self, text: str, path: str) -> None:
        from opsrun.dialect.yaml_data import parse
        from opsrun.inventory.yaml_source import read_yaml

        document = parse(text, path)
        if document.data is None:
            self._note("holds no hosts", path)
            return
        read_yaml(document, self.draft)

    def _note(self, message: str, path: str) -> None:
        self.draft.warnings.append(InventoryWarning(message, Origin(path, kind="yaml")))

    def _is_yaml(self, text: str, path: str) -> bool:
        """Whether a file without an extension is YAML: by its contents, or its first line."""
        from opsrun.dialect.yaml_data import parse

        try:
            return isinstance(parse(text, path).data, dict)
        except InventoryError:
            lines = (line for line in text.splitlines() if line.strip()[:1] not in ("", "#"))
            return _YAML_START.match(next(lines, "")) is not None
