"""authorized_key: keys that may log in as a user are in a file, or not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from opsrun.modules.base import (
    Context,
    Diff,
    Inspection,
    ModuleError,
    ModuleResult,
    Plan,
    StateModule,
)
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.options import module, option
from opsrun.modules.permissions import Wanted, Wish, argument, described
from opsrun.modules.requests import Run
from opsrun.modules.texts.reading import LIMIT, Text, parse_read, read_script
from opsrun.modules.texts.writing import Writing
from opsrun.modules.users.entries import ENTRY, checked, entry_of
from opsrun.modules.users.public_keys import BadKey, PublicKey, wanted_keys, with_keys, without_keys
from opsrun.modules.web.answering import read_reply
from opsrun.modules.web.asking import Asking, shown
from opsrun.modules.wording import path_bytes, path_of, path_word, word
from opsrun.remote.command import CommandResult

_URL = re.compile(r"https?://")
_FETCHED = """\
say keys "$(cat "$work/out")"
)
"""


@module("authorized_key")
class AuthorizedKey(StateModule[Text]):
    """See to it that keys may log in as a user of the host, or that they may not."""

    ahead = True

    user: str = option(required=True, doc="Whose login it is.")
    key: str = option(
        required=True, doc="Public keys, a line each; or where the host gets them by HTTP."
    )
    state: str = option("present", choices=("absent", "present"), doc="Whether they may log in.")
    path: str | None = option(kind="path", doc="The file; .ssh/authorized_keys if nothing is said.")
    manage_dir: bool = option(True, doc="Whether its directory is made, and the user's alone.")
    key_options: str | None = option(doc="What stands before the keys, as ``no-pty``.")
    exclusive: bool = option(False, doc="Whether all that is not named goes.")
    comment: str | None = option(doc="What stands behind them, in place of their own remark.")
    follow: bool = option(False, doc="Whether a link that is there is followed, and not replaced.")
    validate_certs: bool = option(True, doc="Whether certificates of that server are looked at.")

    def inspect(self, context: Context) -> Inspection[Text]:
        """The user's entry and the file's text."""
        checked(self.user, "user")
        asking = self._asking()
        if asking is None:
            self._keys(self.key)

        def parse(answer: CommandResult) -> Text:
            return parse_read(answer, Wish(), check=True)

        path = "$keys_of/.ssh/authorized_keys" if self.path is None else self.path
        script = (
            f"{LOOK}{ENTRY}local=\ne=$(entry passwd {word(self.user)})\n"
            'say passwd "$e"\nkeys_of=${e%:*}\nkeys_of=${keys_of##*:}\n'
        )
        look = f"at itself {path_word(path)}\n"
        read = read_script(path, Wish())
        if asking is None:
            return Inspection(script + look + read, parse, cap=LIMIT)
        fetched = f"{LOOK}(\n{''.join(asking.lines())}{_FETCHED}"
        whole = fetched + script + look + read
        return Inspection(whole, parse, asking.data, LIMIT, environment=True, far=True)

    def _asking(self) -> Asking | None:
        if not _URL.match(self.key):
            return None
        return Asking(self.key.strip(), validate=self.validate_certs)

    @property
    def _shown(self) -> str:
        return shown(self.key.strip()) if _URL.match(self.key) else self.key

    def _wanted(self, answers: Answers) -> list[PublicKey]:
        """The keys, where they are given and where they were fetched. ModuleError: they aren't."""
        asking = self._asking()
        if asking is None:
            return self._keys(self.key)
        reply = read_reply(answers, shown(asking.url))
        if reply.status != 200:
            raise ModuleError(f"key: {shown(asking.url)}: {reply.error}")
        keys = self._keys(answers.text("keys"))
        if self.state == "present" and not keys:
            # With exclusive, a page without keys would lock the user out.
            raise ModuleError(f"key: {shown(asking.url)}: there is no key")
        return keys

    def _keys(self, text: str) -> list[PublicKey]:
        try:
            return wanted_keys(text, self.key_options, self.comment)
        except BadKey as error:
            raise ModuleError(f"key: {error.line[:60]!r} is no public key") from error

    def plan(self, state: Text, context: Context) -> Plan:
        """Edit the text, and put it back whole, the user's own."""
        account = entry_of(state.answers.text("passwd"), self.user)
        if account is None or len(account) < 7:
            raise ModuleError(f"there is no user {self.user} on this host")
        before = path_of(state.content).replace("\r\n", "\n")
        lines = before.split("\n")
        if lines[-1] == "":
            lines.pop()
        keys = self._wanted(state.answers)
        if self.state == "present":
            new = with_keys(lines, keys, exclusive=self.exclusive)
        else:
            new = without_keys(lines, keys)
        changed = new != lines
        data = self._data(state)
        if not changed:
            return Plan(result=ModuleResult(data=data))
        after = "".join(f"{each}\n" for each in new)
        diff = (Diff(before, after, alone=True),) if context.diff else ()
        content = path_bytes(after)
        script = self._script(state, content, int(account[2]), int(account[3]))
        return Plan((Run(script, content),), ModuleResult(True, data=data, diff=diff))

    def _data(self, state: Text) -> dict[str, Any]:
        return {
            "user": self.user,
            "key": self._shown,
            "state": self.state,
            "path": None if self.path is None else state.path,
            "manage_dir": self.manage_dir,
            "key_options": self.key_options,
            "exclusive": self.exclusive,
            "comment": self.comment,
            "follow": self.follow,
            "validate_certs": self.validate_certs,
            "keyfile": state.path,
            **(_described(state.answers, "itself") if self.path is not None else {}),
        }

    def _script(self, state: Text, content: bytes, uid: int, gid: int) -> str:
        wanted = Wanted(0o600, uid, gid, state.wanted.umask)
        text = replace(state, wanted=wanted)
        if not self.follow and state.answers.get("link") is not None:
            text = replace(text, real=state.path)
        folder = argument(text.real.rpartition("/")[0] or "/")
        script = ""
        if self.manage_dir:
            script = (
                f"d={folder}\n"
                'if [ ! -d "$d" ]; then\n'
                f'  umask {state.wanted.umask:03o}\n  mkdir -p -- "$d" || exit\n  umask 077\nfi\n'
                f'chown {uid}:{gid} "$d" && chmod 0700 "$d" || exit\n'
            )
        return script + Writing(text, content).script() + f"at itself {word(state.path)}\n"

    def conclude(self, plan: Plan, answers: Sequence[Any]) -> ModuleResult:
        """With what there is now."""
        return _told(plan.result, answers[-1])

    @classmethod
    def concluded(cls, recipe: Mapping[str, Any], answer: CommandResult) -> ModuleResult:
        """See `Module.concluded`."""
        if not answer.ok:
            raise ModuleError.of(answer)
        return _told(ModuleResult.from_dict(recipe["result"]), answer)


def _described(answers: Answers, key: str) -> dict[str, Any]:
    return described(answers.seen(key, lenient=True))


def _told(result: ModuleResult, answer: CommandResult) -> ModuleResult:
    if result.data["path"] is None:
        return result
    return replace(result, data={**result.data, **_described(Answers(answer), "itself")})
