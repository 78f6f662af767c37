"""What an account that is wanted has other than the one that is there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from opsrun.modules.base import ModuleError
from opsrun.modules.users.user_tools import Change

if TYPE_CHECKING:
    from opsrun.modules.users.user import User, UserSeen

_DAY = 86400


def compared(user: User, seen: UserSeen) -> Change:
    """Compare what is wanted with what there is. ModuleError: a group is not there."""
    for name in (*(user.wanted_groups or ()), *([user.group] if user.group else ())):
        _group(name, seen)
    if seen.fields is None:
        return _made(user, seen)
    return _modified(user, seen, seen.fields)


def _group(name: str, seen: UserSeen) -> tuple[str, str]:
    """Name and number of a group by either. ModuleError: there is none."""
    if name in seen.groups:
        return name, seen.groups[name][0]
    for one, (number, _) in seen.groups.items():
        if number == name:
            return one, number
    raise ModuleError(f"there is no group {name} on this host")


def _words(user: User) -> Iterator[tuple[str, str | None]]:
    yield "-u", None if user.uid is None else str(user.uid)
    yield "-g", user.group or None
    yield "-c", user.comment
    yield "-d", user.home
    yield "-s", user.shell
    yield "-Z", user.seuser


def _made(user: User, seen: UserSeen) -> Change:
    words = [
        each for letter, value in _words(user) if value is not None for each in (letter, value)
    ]
    words += ["-o"] if user.non_unique and user.uid is not None else []
    aging = list(_aging(user, None))
    if user.local:
        aging += _ending(user, "-E")
    else:
        words += _ending(user, "-e")
        if user.password_expire_account_disable is not None:
            words += ["-f", str(user.password_expire_account_disable)]
    groups = tuple(_group(each, seen)[0] for each in user.wanted_groups or ())
    return Change(
        user,
        seen,
        new=True,
        words=tuple(words),
        groups=groups,
        joined=groups,
        password=user.password,
        lock=True if user.password_lock and not (user.password or "").startswith("!") else None,
        aging=tuple(aging),
        key=user.generate_ssh_key,
    )


def _ending(user: User, letter: str) -> list[str]:
    """When it ends, in words; of a new one, never says nothing."""
    if user.expires is None or user.expires < 0:
        return []
    if user.local:
        return [letter, str(int(user.expires // _DAY))]
    return [letter, _date(user.expires)]


def _date(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
    except (ValueError, OverflowError, OSError) as error:
        raise ModuleError(f"expires: {seconds} is no time") from error


def _aging(user: User, shadow: tuple[str, ...] | None) -> Iterator[str]:
    for letter, value, at in (
        ("-M", user.password_expire_max, 4),
        ("-m", user.password_expire_min, 3),
        ("-W", user.password_expire_warn, 5),
    ):
        if value is not None and (shadow is None or shadow[at] != str(value)):
            yield from (letter, str(value))


def _modified(user: User, seen: UserSeen, fields: tuple[str, ...]) -> Change:
    words: list[str] = []
    gid = None if not user.group else _group(user.group, seen)[1]
    for letter, value, now in (
        ("-u", None if user.uid is None else str(user.uid), fields[2]),
        ("-g", gid, fields[3]),
        ("-c", user.comment, fields[4]),
        ("-s", user.shell, fields[6]),
        ("-d", user.home, fields[5]),
    ):
        if value is not None and value != now:
            words += [letter, value]
    if "-u" in words and user.non_unique:
        words.append("-o")
    if "-d" in words and user.move_home:
        words.append("-m")
    shadow = seen.shadow
    aging = list(_aging(user, shadow))
    ended = "" if user.expires is None or user.expires < 0 else str(int(user.expires // _DAY))
    if user.expires is not None and (shadow is None or shadow[7] != ended):
        if user.local:
            aging += ["-E", ended or "-1"]
        else:
            words += ["-e", _date(user.expires) if ended else ""]
    closed = user.password_expire_account_disable
    if closed is not None and (shadow is None or shadow[6] != str(closed)):
        if user.local:
            aging += ["-I", str(closed)]
        else:
            words += ["-f", str(closed)]
    groups, joined, left = _memberships(user, seen, gid or fields[3])
    password, lock = _credentials(user, shadow)
    moved = "-d" in words and user.move_home
    return Change(
        user,
        seen,
        new=False,
        words=tuple(words),
        groups=groups,
        joined=joined,
        left=left,
        password=password,
        lock=lock,
        aging=tuple(aging),
        home=user.create_home and not moved and seen.answers.get("home") is None,
        key=_key_wanted(user, seen),
    )


def _memberships(
    user: User, seen: UserSeen, gid: str
) -> tuple[tuple[str, ...] | None, tuple[str, ...], tuple[str, ...]]:
    """All further groups, those that are new, and those that are left; None for no change."""
    if user.wanted_groups is None:
        return None, (), ()
    now = [name for name, (_, members) in seen.groups.items() if user.called in members]
    wanted = [_group(each, seen) for each in user.wanted_groups]
    # The first group is no further one.
    names = list(dict.fromkeys(name for name, number in wanted if number != gid))
    joined = [each for each in names if each not in now]
    first = {name for name, (number, _) in seen.groups.items() if number == gid}
    left = [] if user.append else [each for each in now if each not in names and each not in first]
    if not joined and not left:
        return None, (), ()
    kept = [each for each in now if each not in left]
    return tuple(dict.fromkeys([*kept, *joined])), tuple(joined), tuple(left)


def _credentials(user: User, shadow: tuple[str, ...] | None) -> tuple[str | None, bool | None]:
    """The hash to set, and whether to lock or unlock."""
    now = "" if shadow is None else shadow[1]
    password = None
    # What only locks it is no other password: nothing is unlocked unless that is asked for.
    if user.password is not None and user.update_password == "always":
        known = shadow is not None and user.password.lstrip("!") == now.lstrip("!")
        password = None if known else user.password
    if user.password_lock is None:
        return password, None
    then = now if password is None else password
    locked = then.startswith("!")
    return password, user.password_lock if user.password_lock != locked else None


def _key_wanted(user: User, seen: UserSeen) -> bool:
    if not user.generate_ssh_key:
        return False
    if seen.answers.get("key") is not None:
        return user.force
    if seen.answers.get("public") is not None and not user.force:
        raise ModuleError(f"{seen.answers.text('keyfile')}.pub is there, without its key")
    return True
