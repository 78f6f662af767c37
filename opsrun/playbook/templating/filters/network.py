"""What network devices want: filters of ``ansible.netcommon``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from opsrun.modules.passwords import crypts
from opsrun.playbook.templating.filters.passwords import random_salt
from opsrun.playbook.templating.filters.values import a_list
from opsrun.playbook.templating.library import PluginError

_VLANS = range(1, 4095)
_MD5 = re.compile(r"\$1\$([^$]+)\$")


def vlan_parser(value: Any, first_line_len: int = 48, other_line_len: int = 44) -> list[str]:
    """Numbers of VLANs as devices print them: three and more in a row as ``1-3``, in lines of at
    most so many characters."""
    numbers = sorted({_vlan(each) for each in a_list(value, "vlan_parser")})
    lines: list[str] = []
    for word in _runs(numbers):
        limit = other_line_len if len(lines) > 1 else first_line_len
        if lines and len(lines[-1]) + 1 + len(word) <= limit:
            lines[-1] += f",{word}"
        else:
            lines.append(word)
    return lines


def _vlan(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value not in _VLANS:
        raise PluginError(f"a VLAN's number is between 1 and 4094, not {value!r}")
    return value


def _runs(numbers: list[int]) -> Iterator[str]:
    at = 0
    while at < len(numbers):
        end = at
        while end + 1 < len(numbers) and numbers[end + 1] == numbers[end] + 1:
            end += 1
        if end - at >= 2:
            yield f"{numbers[at]}-{numbers[end]}"
        else:
            yield from map(str, numbers[at : end + 1])
        at = end + 1


def vlan_expander(value: Any) -> list[int]:
    """All numbers of a text like ``1,3-5``, in order."""
    found: list[int] = []
    for part in str(value).split(","):
        ends = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        if ends is None:
            raise PluginError(f"vlan_expander expects numbers like 1,3-5, not {value!r}")
        last = min(int(ends[2] or ends[1]), _VLANS[-1])
        found += range(int(ends[1]), last + 1)
    return sorted(found)


def hash_salt(value: Any) -> str:
    """The salt of an MD5-crypt hash (``$1$salt$hash``)."""
    found = _MD5.match(str(value))
    if found is None:
        raise PluginError("hash_salt expects a hash like $1$salt$…")
    return found[1]


def type5_pw(value: Any, salt: Any = None) -> str:
    """A password as devices of Cisco keep it (type 5, MD5-crypt); the salt is random by default,
    which makes another hash on every run."""
    seasoning = random_salt("md5", 4) if salt is None else str(salt)
    if set(seasoning) - set(crypts.ALPHABET) or not 0 < len(seasoning) <= 8:
        raise PluginError("type5_pw: a salt has 1 to 8 letters, digits, dots and slashes")
    return crypts.md5_crypt(str(value), seasoning)


_OWN: dict[str, Callable[..., Any]] = {
    "vlan_parser": vlan_parser,
    "vlan_expander": vlan_expander,
    "hash_salt": hash_salt,
    "type5_pw": type5_pw,
}

FILTERS: dict[str, Callable[..., Any]] = {
    f"ansible.netcommon.{name}": function for name, function in _OWN.items()
}
