"""mysql_user: accounts of a MySQL or MariaDB server are there as they shall be, or are not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from opsrun.errors import did_you_mean
from opsrun.modules.base import Context, Inspection, ModuleError, ModuleResult, Plan
from opsrun.modules.databases import mysql_accounts, mysql_privileges
from opsrun.modules.databases.mysql import PLAIN, MysqlModule, session
from opsrun.modules.databases.mysql_accounts import Account, Accounts, native
from opsrun.modules.databases.mysql_privileges import Reading
from opsrun.modules.databases.mysql_quoting import literal
from opsrun.modules.options import module, option

_HASH = re.compile(r"\*[0-9A-Fa-f]{40}\Z")
_LIMITS = {
    "MAX_QUERIES_PER_HOUR": "max_questions",
    "MAX_UPDATES_PER_HOUR": "max_updates",
    "MAX_CONNECTIONS_PER_HOUR": "max_connections",
    "MAX_USER_CONNECTIONS": "max_user_connections",
    "MAX_STATEMENT_TIME": "max_statement_time",
}
"""By limit, its column in mysql.user."""
_TLS = {"SUBJECT": "x509_subject", "ISSUER": "x509_issuer", "CIPHER": "ssl_cipher"}


def _judged(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    host, days = values.get("host"), values.get("password_expire_interval")
    if isinstance(host, str) and host != host.strip():
        yield "host", f"host: {host!r} has blanks around it: nobody would log in from there"
    if isinstance(days, int) and not 1 <= days <= 65535:
        yield "password_expire_interval", f"password_expire_interval: 1 to 65535, not {days}"


@module(
    "community.mysql.mysql_user",
    exclusive=[("append_privs", "subtract_privs")],
    required_if=[("password_expire", "interval", ("password_expire_interval",))],
    judged=_judged,
)
class MysqlUser(MysqlModule[Accounts]):
    """See to it that an account of a MySQL or MariaDB server is there as it shall be, or is not."""

    called: str = option(required=True, name="name", aliases=("user",), doc="The account's name.")
    state: str = option("present", choices=("absent", "present"), doc="Whether it is to be there.")
    host: str = option("localhost", doc="Where it logs in from: a host, or a pattern.")
    host_all: bool = option(False, doc="Whether every account of the name is meant; none is made.")
    password: str | None = option(secret=True, doc="Its password; an empty one takes it away.")
    encrypted: bool = option(False, doc="Whether password is a hash of mysql_native_password.")
    plugin: str | None = option(doc="What looks at its password, or at who it is.")
    plugin_hash_string: str | None = option(secret=True, doc="What the plugin keeps of it.")
    plugin_auth_string: str | None = option(
        secret=True, doc="What the plugin makes that of: a password, or a service of PAM."
    )
    priv: Any = option(
        kind="raw",
        doc="What it may do: ``db.table:SELECT,INSERT/*.*:ALL,GRANT``, or a mapping; all else is "
        "taken away.",
    )
    append_privs: bool = option(False, doc="Whether nothing is taken away.")
    subtract_privs: bool = option(False, doc="Whether these are what is taken away.")
    column_case_sensitive: bool | None = option(
        doc="Whether columns in priv that differ in case alone are two."
    )
    update_password: str = option(
        "always",
        choices=("always", "on_create", "on_new_username"),
        doc="Whether the password of an account that is there is changed; on_new_username: a new "
        "one gets what others of its name have.",
    )
    password_expire: str | None = option(
        choices=("now", "never", "default", "interval"), doc="When the password is no longer good."
    )
    password_expire_interval: int | None = option(doc="Days, for interval.")
    tls_requires: Mapping[str, Any] | None = option(
        kind="dict",
        doc="What its connections need: SSL, X509, or SUBJECT, ISSUER, CIPHER; else nothing.",
    )
    resource_limits: Mapping[str, Any] | None = option(
        kind="dict", doc="How much it may do: MAX_QUERIES_PER_HOUR, MAX_USER_CONNECTIONS …"
    )
    locked: bool | None = option(doc="Whether nobody can log in as it.")
    check_implicit_admin: bool = option(
        False, doc="Whether root without a password is tried first."
    )
    sql_log_bin: bool = option(True, doc="Whether the server logs what is done, for its replicas.")
    session_vars: Mapping[str, Any] | None = option(
        kind="dict", doc="Variables of the session that are set before."
    )
    force_context: bool = option(
        False, doc="Whether it is done in the database mysql, for filters of replication."
    )

    # -- what there is

    def inspect(self, context: Context) -> Inspection[Accounts]:
        """All accounts of the name."""
        if self.encrypted and self.password and not _HASH.match(self.password):
            raise ModuleError("encrypted: the password is no hash: an asterisk and 40 digits")
        Reading(True, bool(self.column_case_sensitive)).wanted(self.priv)
        self._limits()
        self._tls()
        begin = self.prelude(implicit=self.check_implicit_admin)
        asked = mysql_accounts.script(
            self.called, self.calling(), lifetime=self.password_expire is not None
        )
        script = begin + asked
        return Inspection(script, mysql_accounts.read, self.data(), environment=True)

    def _limits(self) -> dict[str, str]:
        found = {}
        for name, number in (self.resource_limits or {}).items():
            if name.upper() not in _LIMITS:
                hint = did_you_mean(name.upper(), _LIMITS)
                raise ModuleError(f"resource_limits: there is no {name!r}{hint}")
            try:
                found[name.upper()] = (
                    f"{float(number):g}" if "." in str(number) else f"{int(number)}"
                )
            except (TypeError, ValueError):
                raise ModuleError(f"resource_limits: {number!r} is no number") from None
        return found

    def _tls(self) -> dict[str, str]:
        found = {}
        for name, text in (self.tls_requires or {}).items():
            upper = name.upper()
            if upper not in ("SSL", "X509", *_TLS):
                hint = did_you_mean(upper, ["SSL", "X509", *_TLS])
                raise ModuleError(f"tls_requires: there is no {name!r}{hint}")
            found[upper] = "" if text is None else str(text)
        if found.keys() & {"SSL", "X509"} and len(found) > 1:
            raise ModuleError("tls_requires: SSL and X509 stand alone")
        return found

    # -- what has to change

    def plan(self, state: Accounts, context: Context) -> Plan:
        """Make it, alter it, or take it away."""
        # MariaDB makes one of the other.
        host = "%" if state.mariadb and not self.host else self.host
        mine = [e for e in state.every if self.host_all or e.host.lower() == host.lower()]
        if self.state == "absent":
            sql = [f"DROP USER {self._who(each.host)}" for each in mine]
            return self._planned(sql, "removed" if sql else "not there", None, False)
        if mine:
            made = [*self._altered(mine, state.mariadb)]
            secret = any(kind == "password" for kind, _ in made)
            told = ", ".join(dict.fromkeys(kind for kind, _ in made)) or "nothing"
            return self._planned([each for _, each in made], f"changed: {told}", {}, secret)
        if self.host_all:
            raise ModuleError("host_all: there is no account of that name, and none can be made")
        sql, reused = self._created(state)
        return self._planned(sql, "made", None, not reused)

    def _planned(self, sql: list[str], msg: str, attributes: Any, password: bool) -> Plan:
        data = {"user": self.called, "password_changed": password, "attributes": attributes}
        result = ModuleResult(bool(sql), msg=msg, data=data)
        if not sql:
            return Plan(result=result)
        lines = [PLAIN, *session(self.session_vars, self.sql_log_bin)]
        lines += ["USE mysql;"] if self.force_context else []
        lines += [f"{each};" for each in sql]
        return Plan((self.asking(lines, implicit=self.check_implicit_admin),), result)

    def _who(self, host: str) -> str:
        return f"{literal(self.called)}@{literal(host)}"

    def _created(self, state: Accounts) -> tuple[list[str], bool]:
        who, mariadb = self._who(self.host), state.mariadb
        others = {(each.plugin, each.secret) for each in state.every}
        reused = self.update_password == "on_new_username" and len(others) == 1
        if reused:
            plugin, secret = next(iter(others))
            identified = _kept(plugin, secret, mariadb)
        else:
            identified = self._identified(mariadb)
        parts = [f"CREATE USER {who}", identified]
        parts += [self._required()] if self.tls_requires else []
        parts += [self._limited()] if self.resource_limits else []
        parts += [self._expiring()] if self.password_expire else []
        parts += ["ACCOUNT LOCK"] if self.locked else []
        return [" ".join(filter(None, parts)), *self._granted((), self.host, mariadb)], reused

    def _altered(self, mine: list[Account], mariadb: bool) -> Iterator[tuple[str, str]]:
        """What has to be done, each with what it is about."""
        for each in mine:
            alter = f"ALTER USER {self._who(each.host)}"
            if self.update_password == "always" and self._other_secret(each):
                yield "password", f"{alter} {self._identified(mariadb)}"
            if self.password_expire and self._expires() not in each.expires:
                yield "password", f"{alter} {self._expiring()}"
            if _requires(each) != self._tls():
                yield "tls_requires", f"{alter} {self._required()}"
            if any(_number(each.column(_LIMITS[n])) != float(v) for n, v in self._limits().items()):
                yield "resource_limits", f"{alter} {self._limited()}"
            if self.locked is not None and self.locked != each.locked:
                yield "locked", f"{alter} ACCOUNT {'LOCK' if self.locked else 'UNLOCK'}"
            for text in self._granted(each.grants, each.host, mariadb):
                yield "priv", text

    def _granted(self, grants: tuple[str, ...], host: str, mariadb: bool) -> Iterator[str]:
        reading = Reading(mariadb, bool(self.column_case_sensitive))
        wanted = reading.wanted(self.priv)
        if wanted is None:
            return
        how = "append" if self.append_privs else "subtract" if self.subtract_privs else "exactly"
        has = Reading(mariadb, cased=True).granted(grants)
        if not self.column_case_sensitive:
            wanted = mysql_privileges.as_kept(has, wanted)
        if self.called == "root":
            # Nobody is locked out: what is not spoken of is left alone.
            has = {level: names for level, names in has.items() if level in wanted}
        less, more = mysql_privileges.changes(has, wanted, how)
        for level, names in less:
            yield from mysql_privileges.revoke(level, names, self._who(host))
        for level, names in more:
            yield mysql_privileges.grant(level, names, self._who(host))

    # -- passwords

    def _other_secret(self, has: Account) -> bool:
        if self.plugin is not None:
            return has.plugin != self.plugin or self._other_string(has)
        if self.password is None:
            return False
        if not self.password:
            return bool(has.secret)
        wanted = self.password if self.encrypted else native(self.password)
        return has.plugin != "mysql_native_password" or has.secret.upper() != wanted.upper()

    def _other_string(self, has: Account) -> bool:
        if self.plugin_hash_string is not None:
            return has.secret != self.plugin_hash_string
        if self.plugin_auth_string is None:
            return False
        if self.plugin == "mysql_native_password":
            return has.secret.upper() != native(self.plugin_auth_string)
        if self.plugin in ("pam", "auth_pam"):
            return has.secret != self.plugin_auth_string
        # What other plugins keep of it can't be told from it.
        return True

    def _identified(self, mariadb: bool) -> str:
        if self.plugin is None:
            if self.password is None:
                return ""
            if not self.password:
                return "IDENTIFIED BY ''"
            kept = self.password.upper() if self.encrypted else native(self.password)
            return _kept("mysql_native_password", kept, mariadb)
        if self.plugin_hash_string is not None or self.plugin_auth_string is None:
            return _kept(self.plugin, self.plugin_hash_string or "", mariadb)
        if self.plugin in ("pam", "auth_pam"):
            return _kept(self.plugin, self.plugin_auth_string, mariadb)
        plain = literal(self.plugin_auth_string)
        if mariadb:
            return f"IDENTIFIED VIA {_plugin(self.plugin)} USING PASSWORD({plain})"
        return f"IDENTIFIED WITH {_plugin(self.plugin)} BY {plain}"

    def _expires(self) -> str:
        return (
            str(self.password_expire_interval)
            if self.password_expire == "interval"
            else str(self.password_expire)
        )

    def _expiring(self) -> str:
        if self.password_expire == "interval":
            return f"PASSWORD EXPIRE INTERVAL {self.password_expire_interval} DAY"
        return f"PASSWORD EXPIRE {'' if self.password_expire == 'now' else self._expires().upper()}"

    # -- the rest

    def _required(self) -> str:
        wanted = self._tls()
        if not wanted:
            return "REQUIRE NONE"
        parts = (name if name in ("SSL", "X509") else f"{name} {literal(text)}"
                 for name, text in wanted.items())  # fmt: skip
        return f"REQUIRE {' AND '.join(parts)}"

    def _limited(self) -> str:
        return "WITH " + " ".join(f"{name} {number}" for name, number in self._limits().items())


def _plugin(name: str) -> str:
    if not re.match(r"\w+\Z", name):
        raise ModuleError(f"plugin: {name!r} can't be the name of one")
    return name


def _kept(plugin: str, secret: str, mariadb: bool) -> str:
    """An account that has this already, as it is kept."""
    word = "VIA" if mariadb else "WITH"
    behind = f" {'USING' if mariadb else 'AS'} {literal(secret)}" if secret else ""
    return f"IDENTIFIED {word} {_plugin(plugin)}{behind}"


def _requires(has: Account) -> dict[str, str]:
    kind = has.column("ssl_type")
    if kind in ("ANY", "X509"):
        return {"SSL" if kind == "ANY" else "X509": ""}
    found = {name: has.column(column) for name, column in _TLS.items()}
    return {name: text for name, text in found.items() if text}


def _number(text: str) -> float:
    return float(text or 0)
