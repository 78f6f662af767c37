"""``ansible.module_utils.six.moves``: builtins and modules that once were elsewhere."""

from __future__ import annotations

import builtins
import configparser
import shlex
from collections import UserDict, UserList, UserString
from functools import reduce
from io import StringIO
from itertools import filterfalse, zip_longest

cStringIO = StringIO  # noqa: N816
filter = builtins.filter
input = builtins.input
map = builtins.map
range = builtins.range
xrange = builtins.range
zip = builtins.zip
shlex_quote = shlex.quote

__all__ = [
    "StringIO",
    "UserDict",
    "UserList",
    "UserString",
    "builtins",
    "cStringIO",
    "configparser",
    "filter",
    "filterfalse",
    "input",
    "map",
    "range",
    "reduce",
    "shlex_quote",
    "xrange",
    "zip",
    "zip_longest",
]
