"""``ansible.plugins.lookup``: what lookups are made of."""

from __future__ import annotations

import itertools
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from opsrun.playbook.plugins.stand_ins.display import Display
from opsrun.playbook.plugins.stand_ins.errors import AnsibleError, AnsibleFileNotFound


def listify_lookup_plugin_terms(terms: Any, *args: Any, **options: Any) -> list[Any]:
    """Terms as a list: they have been rendered."""
    return list(terms) if isinstance(terms, (list, tuple, set)) else [terms]


class Loader:
    """``self._loader``: files of the controller."""

    def __init__(self, run: Any) -> None:
        self._run = run

    def get_basedir(self) -> str:
        """The playbook's folder."""
        return str(self._run.context.basedir)

    def path_dwim(self, given: str) -> str:
        """A path as seen from there."""
        return os.path.normpath(os.path.join(self.get_basedir(), os.path.expanduser(given)))

    def path_dwim_relative(self, path: str, dirname: str, source: str, *args: Any) -> str:
        """A file of a kind."""
        return self._run.context.find(source, dirname) or self.path_dwim(source)

    def path_exists(self, path: str) -> bool:
        """Whether there is such a file."""
        return os.path.exists(self.path_dwim(path))

    def get_real_file(self, file_path: str, decrypt: bool = True) -> str:
        """A path to read it from."""
        return self.path_dwim(file_path)

    def _get_file_contents(self, file_name: str) -> tuple[bytes, bool]:
        return self._run.context.read(self.path_dwim(file_name)), True

    def load_from_file(self, file_name: str, *args: Any, **options: Any) -> Any:
        """Data of a YAML file."""
        import yaml

        return yaml.safe_load(self._run.context.read(self.path_dwim(file_name)))


class Templar:
    """``self._templar``: renders texts of the operator's, and nothing else."""

    def __init__(self, run: Any) -> None:
        self._run = run
        self.available_variables = run.variables

    def template(self, variable: Any, *args: Any, **options: Any) -> Any:
        """As it is: what reaches a lookup has been rendered, and what it reads is data."""
        return self._run.templar.render(variable)

    def is_template(self, data: Any) -> bool:
        """Never: see `template`."""
        return False


class LookupBase(ABC):
    """The ground of lookups."""

    def __init__(self, loader: Any = None, templar: Any = None, **kwargs: Any) -> None:
        self._loader = loader
        self._templar = templar
        self._display = Display()
        self._options: dict[str, Any] = {}
        self._declared: Mapping[str, Any] = {}
        self._run_of_lookup: Any = None

    @abstractmethod
    def run(self, terms: Any, variables: Any = None, **kwargs: Any) -> Any:
        """What the lookup gives."""

    def get_basedir(self, variables: Any) -> str:
        """Where files are looked for."""
        return str(variables.get("role_path") or self._run_of_lookup.context.basedir)

    def find_file_in_search_path(
        self, myvars: Any, subdir: str, needle: str, ignore_missing: bool = False
    ) -> str | None:
        """The path of a local file of a kind (``files``, ``templates``). AnsibleFileNotFound."""
        found: str | None = self._run_of_lookup.context.find(needle, subdir)
        if found is None and not ignore_missing:
            searched = ", ".join(self._run_of_lookup.context.searched(needle, subdir))
            raise AnsibleFileNotFound(f"no file {needle!r}; looked for {searched}")
        return found

    def set_options(
        self, task_keys: Any = None, var_options: Any = None, direct: Any = None
    ) -> None:
        """Options by name, over variables, the environment and defaults that DOCUMENTATION has."""
        self._options = {
            name: _option(declared, var_options) for name, declared in self._declared.items()
        } | dict(direct or {})

    def set_option(self, option: str, value: Any) -> None:
        """One option."""
        self._options[option] = value

    def get_option(self, option: str, hostvars: Any = None) -> Any:
        """Its value. KeyError where nothing declares it."""
        if not self._options:
            self.set_options()
        if option not in self._options:
            raise KeyError(f"the lookup has no option {option!r}")
        return _typed(self._declared.get(option, {}), self._options[option])

    def get_options(self, hostvars: Any = None) -> dict[str, Any]:
        """All of them."""
        if not self._options:
            self.set_options()
        return {name: self.get_option(name) for name in self._options}

    def has_option(self, option: str) -> bool:
        """Whether it is declared."""
        return option in self._declared

    @classmethod
    def _flatten(cls, terms: Iterable[Any]) -> list[Any]:
        found: list[Any] = []
        for each in terms:
            found += each if isinstance(each, (list, tuple)) else [each]
        return found

    @classmethod
    def _combine(cls, a: Sequence[Any], b: Sequence[Any]) -> list[Any]:
        return [cls._flatten(pair) for pair in itertools.product(a, b)]

    @staticmethod
    def _flatten_hash_to_list(terms: Mapping[Any, Any]) -> list[dict[str, Any]]:
        return [{"key": key, "value": value} for key, value in terms.items()]


def _option(declared: Mapping[str, Any], variables: Any) -> Any:
    for each in declared.get("vars") or ():
        if variables is not None and each.get("name") in variables:
            return variables[each["name"]]
    for each in declared.get("env") or ():
        if each.get("name") in os.environ:
            return os.environ[each["name"]]
    if declared.get("required") and declared.get("default") is None:
        return None
    return declared.get("default")


def _typed(declared: Mapping[str, Any], value: Any) -> Any:
    from opsrun.modules.coercion import BadValue, coerced

    kind = {"integer": "int", "boolean": "bool", "string": "str", "dictionary": "dict"}.get(
        str(declared.get("type")), declared.get("type")
    )
    if kind not in ("int", "bool", "str", "dict", "list", "float", "path"):
        return value
    try:
        return coerced(str(kind), value)
    except BadValue as bad:
        raise AnsibleError(f"an option of the lookup: {bad}") from bad


__all__ = ["LookupBase", "listify_lookup_plugin_terms"]
