"""What plugins in Python import of ansible-core, written anew: the names that many of them need.

A plugin's ``from ansible.errors import AnsibleFilterError`` gets `opsrun.playbook.plugins.stand_ins
.errors`, whether or not ansible-core is installed: it is never imported. Nothing of this is put
into ``sys.modules`` under those names; see `opsrun.playbook.plugins.importing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import ModuleType

_HERE = __name__

_WHERE: Mapping[str, str] = {
    "ansible": "top",
    "ansible.release": "top",
    "ansible.errors": "errors",
    "ansible.module_utils": "empty",
    "ansible.module_utils._text": "text",
    "ansible.module_utils.basic": "basic",
    "ansible.module_utils.common": "empty",
    "ansible.module_utils.common._collections_compat": "collections_abc",
    "ansible.module_utils.common.collections": "collections",
    "ansible.module_utils.common.dict_transformations": "transformations",
    "ansible.module_utils.common.json": "yaml_and_json",
    "ansible.module_utils.common.text": "empty",
    "ansible.module_utils.common.text.converters": "text",
    "ansible.module_utils.common.validation": "validation",
    "ansible.module_utils.common.yaml": "yaml_and_json",
    "ansible.module_utils.parsing": "empty",
    "ansible.module_utils.parsing.convert_bool": "truth",
    "ansible.module_utils.six": "six",
    "ansible.module_utils.six.moves": "six_moves",
    "ansible.module_utils.six.moves.collections_abc": "collections_abc",
    "ansible.module_utils.six.moves.urllib": "urllib",
    "ansible.parsing": "empty",
    "ansible.parsing.ajson": "yaml_and_json",
    "ansible.parsing.yaml": "empty",
    "ansible.parsing.yaml.dumper": "yaml_and_json",
    "ansible.parsing.yaml.objects": "objects",
    "ansible.plugins": "empty",
    "ansible.plugins.lookup": "lookup",
    "ansible.utils": "empty",
    "ansible.utils.display": "display",
    "ansible.utils.listify": "lookup",
    "ansible.utils.unsafe_proxy": "objects",
    "ansible.utils.vars": "transformations",
    "distutils": "empty",
    "distutils.util": "truth",
    "distutils.version": "versions",
}
"""By the name that plugins import, the module of this package that stands for it."""


@cache
def find(name: str) -> ModuleType | None:
    """The module that stands for ``name``, its parts as attributes; None where there is none."""
    where = _WHERE.get(name)
    if where is None:
        if name.startswith("ansible.module_utils.six.moves.urllib."):
            return import_module("urllib." + name.rpartition(".")[2])
        return None
    made = ModuleType(name)
    if where != "empty":
        source = import_module(f"{_HERE}.{where}")
        made.__dict__.update({k: v for k, v in vars(source).items() if not k.startswith("__")})
        if where == "top":
            made.__dict__["__version__"] = source.__version__
    return made


def known() -> tuple[str, ...]:
    """All names that are stood in for."""
    return tuple(_WHERE)
