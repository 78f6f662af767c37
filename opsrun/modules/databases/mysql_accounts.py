"""What a server tells of the accounts of one name: mysql.user, SHOW CREATE USER, SHOW GRANTS."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from opsrun.modules.base import ModuleError
from opsrun.modules.databases.mysql import PLAIN, results
from opsrun.modules.databases.mysql_quoting import literal
from opsrun.modules.wording import word
from opsrun.remote.command import CommandResult

_QUOTED = re.compile(r"'(?:[^'\\]|''|\\.)*'|`[^`]*`", re.DOTALL)
_EXPIRES = re.compile(r" PASSWORD EXPIRE(?: (NEVER|DEFAULT)| INTERVAL (\d+) DAY)?")


@dataclass(frozen=True, slots=True)
class Account:
    """One of them."""

    host: str
    columns: Mapping[str, str | None]
    """Of mysql.user, by name in lower case."""
    made: str
    """How it would be made, without texts."""
    grants: tuple[str, ...]

    def column(self, name: str) -> str:
        """One column; empty where there is none, or nothing in it."""
        return self.columns.get(name) or ""

    @property
    def plugin(self) -> str:
        """What looks at its password."""
        return self.column("plugin") or "mysql_native_password"

    @property
    def secret(self) -> str:
        """The hash of its password, as it is kept."""
        return self.column("authentication_string") or self.column("password")

    @property
    def locked(self) -> bool:
        """Whether nobody can log in as it."""
        return " ACCOUNT LOCK" in self.made

    @property
    def expires(self) -> frozenset[str]:
        """When its password does: ``never``, ``default``, or a number of days; and ``now``, where
        it has expired: how long a new one will be good is another matter."""
        found = _EXPIRES.search(self.made)
        told = (found[2] or (found[1] or "now").lower()) if found else "default"
        if told != "now":
            return frozenset([told])
        days = self.column("password_lifetime")
        lifetime = {"": "default", "-1": "default", "0": "never"}.get(days, days)
        return frozenset(["now", lifetime] if "password_lifetime" in self.columns else ["now"])


@dataclass(frozen=True, slots=True)
class Accounts:
    """All of one name, and whose server it is."""

    mariadb: bool
    every: tuple[Account, ...]


_LIFETIME = (
    "SELECT User, Host, JSON_VALUE(Priv, '$.password_lifetime') AS password_lifetime "
    "FROM mysql.global_priv"
)
"""MariaDB's mysql.user does not tell it, and SHOW CREATE USER not of what has expired."""


def script(name: str, call: str, *, lifetime: bool = False) -> str:
    """Asks for them; ``my`` is there.

    Args:
        name: of the accounts.
        call: the client.
        lifetime: whether it counts how long their passwords are good.
    """
    mine = f"User = {literal(name)} AND NOT (Host = '' AND VERSION() LIKE '%MariaDB%')"
    who = "QUOTE(User), '@', QUOTE(Host), ';'"
    shows = f"CONCAT('SHOW CREATE USER ', {who}, ' SHOW GRANTS FOR ', {who})"
    first = f"{PLAIN}\nSELECT {shows} FROM mysql.user WHERE {mine} ORDER BY Host;"
    if lifetime:
        private = "table_schema = 'mysql' AND table_name = 'global_priv'"
        told = f"{_LIFETIME} WHERE User = {literal(name)} ORDER BY Host;"
        first += f"\nSELECT {literal(told)} FROM information_schema.tables WHERE {private};"
    then = f"{PLAIN}\nSELECT VERSION();\nSELECT * FROM mysql.user WHERE {mine} ORDER BY Host;"
    return (
        f"shows=$(printf '%s\\n' {word(first)} | my -N -r) || exit\n"
        f"printf '%s\\n%s\\n' {word(then)} \"$shows\" | {call}\n"
    )


def read(answer: CommandResult) -> Accounts:
    """What came of it."""
    [version], rows, *shown = results(answer)
    times = shown.pop() if len(shown) == 2 * len(rows) + 1 else []
    if len(shown) != 2 * len(rows):
        raise ModuleError("the server's answer makes no sense: other accounts than before")
    lifetimes = {host: days for (_, (_, host), (_, days)) in times}
    found = []
    for at, row in enumerate(rows):
        columns = {name.lower(): value for name, value in row}
        made = "".join(value or "" for _, value in shown[2 * at][0])
        grants = tuple(each[0][1] or "" for each in shown[2 * at + 1])
        host = columns.get("host") or ""
        if host in lifetimes:
            columns["password_lifetime"] = lifetimes[host]
        found.append(Account(host, columns, _QUOTED.sub("''", made), grants))
    return Accounts("MariaDB" in (version[0][1] or ""), tuple(found))


def native(password: str) -> str:
    """The hash of mysql_native_password; empty for an empty password."""
    if not password:
        return ""
    once = hashlib.sha1(password.encode("utf-8", "surrogateescape"), usedforsecurity=False)
    return "*" + hashlib.sha1(once.digest(), usedforsecurity=False).hexdigest().upper()
