"""user: an account is there, as it shall be, or not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from opsrun.modules.base import Context, Inspection, ModuleError, ModuleResult, Plan, StateModule
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.options import module, option
from opsrun.modules.requests import Run
from opsrun.modules.users.entries import ENTRY, checked, entry_of
from opsrun.modules.users.user_comparing import compared
from opsrun.modules.users.user_key import LOOK_AT_KEY, KeyWish, told
from opsrun.modules.users.user_tools import removing_script
from opsrun.modules.wording import path_word, word
from opsrun.remote.command import CommandResult

_HASH = re.compile(r"!*(?:\$.*\$[./0-9A-Za-z]+|_[./0-9A-Za-z]{19}|[./0-9A-Za-z]{13})\Z")
"""As crypt(5) has them."""
HIDDEN = "NOT_LOGGING_PASSWORD"
"""What stands in results for a password."""


@dataclass(frozen=True, slots=True)
class UserSeen:
    """An account of the host's."""

    fields: tuple[str, ...] | None
    """Of passwd(5); None where there is none of that name."""
    shadow: tuple[str, ...] | None
    """Of shadow(5); None where it can't be read."""
    groups: Mapping[str, tuple[str, frozenset[str]]]
    """Number and members of all groups, by name."""
    answers: Answers

    @property
    def home(self) -> str:
        """Where it lives."""
        return "" if self.fields is None else self.fields[5]


@module("user", exclusive=[("local", "umask")])
class User(StateModule[UserSeen]):
    """See to it that there is an account, with its groups, home, password and key."""

    ahead = True

    called: str = option(required=True, name="name", aliases=("user",), doc="Its name.")
    state: str = option("present", choices=("absent", "present"), doc="Whether it is to be there.")
    uid: int | None = option(doc="Its number.")
    non_unique: bool = option(False, doc="Whether another account may have that number too.")
    group: str | None = option(doc="Its first group, by name or number.")
    groups: list[str] | None = option(elements="str", doc="Its further groups; empty for none.")
    append: bool = option(False, doc="Whether it stays in groups that are not named.")
    comment: str | None = option(doc="Full name, or what it is for.")
    home: str | None = option(kind="path", doc="Its home.")
    create_home: bool = option(
        True, aliases=("createhome",), doc="Whether a home that is not there is made."
    )
    move_home: bool = option(False, doc="Whether what is in the old home comes along.")
    skeleton: str | None = option(doc="The directory that a new home is a copy of.")
    shell: str | None = option(kind="path", doc="Its login shell.")
    system: bool = option(False, doc="Whether a new one is the system's own.")
    password: str | None = option(secret=True, doc="Its password, hashed as crypt(3) has it.")
    update_password: str = option(
        "always", choices=("always", "on_create"), doc="When the password is set."
    )
    password_lock: bool | None = option(doc="Whether its password is locked.")
    password_expire_max: int | None = option(doc="Days after which the password has to change.")
    password_expire_min: int | None = option(doc="Days before which it may not.")
    password_expire_warn: int | None = option(doc="Days before that end with a warning.")
    password_expire_account_disable: int | None = option(
        doc="Days after that end until the account is closed."
    )
    expires: float | None = option(doc="When it ends, in seconds of the epoch; negative for never.")
    remove: bool = option(False, doc="Whether its home and mail go with it.")
    force: bool = option(False, doc="Whether it goes though it is used; or its key is made anew.")
    local: bool = option(False, doc="Whether only the host's own files count (libuser).")
    umask: str | None = option(doc="What a new home's mode goes by.")
    uid_min: int | None = option(doc="The least number that a new one may be given.")
    uid_max: int | None = option(doc="The greatest.")
    seuser: str | None = option(doc="SELinux user of a new one; of others it stays.")
    login_class: str | None = option(doc="Login class, on BSDs.")
    generate_ssh_key: bool = option(False, doc="Whether it gets a key pair, if it has none.")
    ssh_key_bits: int | None = option(doc="Bits of that key.")
    ssh_key_type: str = option("rsa", doc="Its type: rsa, ed25519 …")
    ssh_key_file: str | None = option(kind="path", doc="Where; below the home without a slash.")
    ssh_key_comment: str | None = option(doc="What stands behind it; says where it was made.")
    ssh_key_passphrase: str | None = option(secret=True, doc="What it is encrypted with.")
    authorization: str | None = option(doc="Means nothing: for Solaris.")
    profile: str | None = option(doc="Means nothing: for Solaris.")
    role: str | None = option(doc="Means nothing: for Solaris.")
    hidden: bool | None = option(doc="Means nothing: for macOS.")

    @property
    def wanted_groups(self) -> list[str] | None:
        """Further groups; None where nothing is said of them."""
        if self.groups is None:
            return None
        return [each.strip() for each in self.groups if each.strip()]

    @property
    def key(self) -> KeyWish:
        """The pair that it is to have."""
        return KeyWish(
            self.ssh_key_file,
            self.ssh_key_type,
            self.ssh_key_bits,
            self.ssh_key_comment,
            self.ssh_key_passphrase,
            self.force,
        )

    # -- what there is

    def inspect(self, context: Context) -> Inspection[UserSeen]:
        """Its entries, and those of the groups."""
        checked(self.called, "user")
        if self.local and (self.uid_min, self.uid_max) != (None, None):
            raise ModuleError("uid_min and uid_max can't be had with local")
        for secret in (self.password, self.ssh_key_passphrase):
            if secret is not None and any(each in secret for each in "\n\0"):
                raise ModuleError("a password or passphrase can't hold a line break")
        if self.password is not None and ":" in self.password:
            raise ModuleError("a hashed password can't hold a colon")
        return Inspection("".join(self._script()), self._parse)

    def _script(self) -> Iterator[str]:
        yield f"{LOOK}{ENTRY}{LOOK_AT_KEY}"
        yield f"local={'y' if self.local else ''}\nn={word(self.called)}\n"
        yield 'say umask "$(umask)"\ne=$(entry passwd "$n")\nsay passwd "$e"\n'
        if self.state == "absent":
            return
        yield 'say shadow "$(entry shadow "$n")" groups "$(entries group)"\n'
        for each in (*(self.wanted_groups or ()), *([self.group] if self.group else ())):
            yield f'say group "$(entry group {word(each)})"\n'
        yield "h=${e%:*}\nh=${h##*:}\n"
        for what, path in (("shell", self.shell), ("skeleton", self.skeleton)):
            if path:
                yield f'p={path_word(path)}\nsay {what} "$p"\n'
        if self.home:
            yield f'h={path_word(self.home)}\nsay place "$h"\n'
        yield 'if [ -d "$h" ]; then say home y; fi\n'
        if self.generate_ssh_key:
            yield self.key.looking()

    def _parse(self, answer: CommandResult) -> UserSeen:
        answers = Answers(answer)
        groups = {}
        for text in (answers.text("groups"), *answers.every("group")):
            for line in text.splitlines():
                fields = line.split(":")
                if len(fields) > 3:
                    members = frozenset(filter(None, fields[3].split(",")))
                    groups[fields[0]] = (fields[2], members)
        account = entry_of(answers.text("passwd"), self.called)
        shadow = entry_of(answers.text("shadow"), self.called)
        return UserSeen(
            tuple(account) if account and len(account) > 6 else None,
            tuple(shadow + [""] * 9)[:9] if shadow else None,
            groups,
            answers,
        )

    # -- what has to change

    def plan(self, state: UserSeen, context: Context) -> Plan:
        """Make it, change it, or take it away."""
        data: dict[str, Any] = {"name": self.called, "state": self.state}
        if self.state == "absent":
            if state.fields is None:
                return Plan(result=ModuleResult(data=data))
            data |= {"force": self.force, "remove": self.remove}
            script = removing_script(self) + self._tail()
            return Plan((Run(script),), ModuleResult(True, data={} if context.check else data))
        change = compared(self._placed(state.answers), state)
        if self.password is not None:
            data["password"] = HIDDEN
        if state.fields is None:
            data |= {"system": self.system, "create_home": self.create_home}
            data = {} if context.check else data | self._groups()
        else:
            data |= {"append": self.append, "move_home": self.move_home}
            data |= _described(state.fields) | self._groups()
            data |= self._key_told(state.answers)
        warnings = self._warnings()
        if not change:
            return Plan(result=ModuleResult(data=data, warnings=warnings))
        request = Run(change.script() + self._tail(), change.stdin())
        return Plan((request,), ModuleResult(True, data=data, warnings=warnings))

    def _placed(self, answers: Answers) -> User:
        """With homes and variables in paths replaced, as they are on the host."""
        return replace(
            self,
            shell=answers.get("shell") or self.shell,
            home=answers.get("place") or self.home,
            skeleton=answers.get("skeleton") or self.skeleton,
        )

    def _groups(self) -> dict[str, Any]:
        return {} if self.groups is None else {"groups": ",".join(self.groups)}

    def _key_told(self, answers: Answers) -> dict[str, Any]:
        if not self.generate_ssh_key:
            return {}
        return {"ssh_fingerprint": "", "ssh_public_key": None, **told(answers)}

    def _warnings(self) -> tuple[str, ...]:
        warnings = []
        if self.password and self.password.strip("*!") and not _HASH.match(self.password):
            warnings.append(f"the password of {self.called} does not look like a hash")
        if self.append and self.groups is None:
            warnings.append("append says nothing where there are no groups to stay in")
        return tuple(warnings)

    def _tail(self) -> str:
        local = "y" if self.local else ""
        script = f"{LOOK}{ENTRY}{LOOK_AT_KEY}local={local}\nn={word(self.called)}\n"
        script += 'e=$(entry passwd "$n")\nsay passwd "$e"\n'
        if self.state == "present" and self.generate_ssh_key:
            script += f"h=${{e%:*}}\nh=${{h##*:}}\n{self.key.looking()}"
        return script

    def conclude(self, plan: Plan, answers: Sequence[Any]) -> ModuleResult:
        """With what there is now."""
        return _finished(plan.result, answers[-1])

    @classmethod
    def concluded(cls, recipe: Mapping[str, Any], answer: CommandResult) -> ModuleResult:
        """See `Module.concluded`."""
        if not answer.ok:
            raise ModuleError.of(answer)
        return _finished(ModuleResult.from_dict(recipe["result"]), answer)


def _described(fields: Sequence[str]) -> dict[str, Any]:
    return {
        "uid": int(fields[2]),
        "group": int(fields[3]),
        "comment": fields[4],
        "home": fields[5],
        "shell": fields[6],
    }


def _finished(result: ModuleResult, answer: CommandResult) -> ModuleResult:
    name, state = result.data["name"], result.data["state"]
    answers = Answers(answer)
    fields = entry_of(answers.text("passwd"), name)
    if state == "absent":
        if fields is not None:
            raise ModuleError(f"the user {name} is still there")
        return result
    if fields is None or len(fields) < 7:
        raise ModuleError(f"the user {name} was made, and is not found")
    data = {**result.data, **_described(fields)}
    if answers.get("keyfile") is not None:
        data |= told(answers)
    return replace(result, data=data)
