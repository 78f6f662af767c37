"""Parameters of modules: how they are declared, read and checked.

`declaring` has the declarations, `coercion` reads values, `resolving` makes modules of arguments.
"""

from __future__ import annotations

from opsrun.modules.declaring import KINDS, Kind, Option, Rules, Spec, module, option, others, spec
from opsrun.modules.resolving import OptionError, problems, resolve, secrets_of

__all__ = [
    "KINDS",
    "Kind",
    "Option",
    "OptionError",
    "Rules",
    "Spec",
    "module",
    "option",
    "others",
    "problems",
    "resolve",
    "secrets_of",
    "spec",
]
