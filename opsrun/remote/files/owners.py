"""Names of users and groups as the numbers that a host has for them."""

from __future__ import annotations

from opsrun.errors import HostError
from opsrun.remote.files.words import word

# A group is asked for where the name service has it, and where there is only the file.
_SCRIPT = """\
user=$1 group=$2
case $user in
  '') ;;
  *[!0-9]*) user=$(id -u "$user" 2>/dev/null) || user=? ;;
esac
case $group in
  '') ;;
  *[!0-9]*)
    line=$(getent group "$group" 2>/dev/null) || line=$(grep "^$group:" /etc/group 2>/dev/null)
    line=${line#*:}
    line=${line#*:}
    group=${line%%:*}
    case $group in '' | *[!0-9]*) group=? ;; esac
    ;;
esac
echo "${user:--} ${group:--}"
"""


def owners_script(user: str, group: str) -> str:
    """Prints both numbers; ``-`` for none, ``?`` for a name that is not known."""
    names = " ".join(word(name.encode("utf-8", "surrogateescape")) for name in (user, group))
    return f"set -- {names}\n{_SCRIPT}"


def parse_owners(output: bytes, user: str, group: str) -> tuple[int | None, int | None]:
    """Read what the script prints.

    Raises:
        HostError: a name is not known there.
    """
    numbers = output.decode("ascii", "replace").split()
    if len(numbers) != 2:
        raise HostError("what it says of its users makes no sense")
    for what, name, number in zip(("user", "group"), (user, group), numbers, strict=True):
        if number == "?":
            raise HostError(
                f"there is no {what} {name!r}",
                hint=f"getent {'passwd' if what == 'user' else 'group'}",
            )
    return _number(numbers[0]), _number(numbers[1])


def _number(text: str) -> int | None:
    return None if text == "-" else int(text)
