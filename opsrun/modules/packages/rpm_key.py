"""rpm_key: a key that packages are signed with is trusted by rpm, or not.

Which key a file holds is read here; so the host needs rpm alone, and no gpg.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from opsrun.modules.base import Context, Inspection, ModuleError, ModuleResult, Plan, StateModule
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.options import module, option
from opsrun.modules.packages import missing
from opsrun.modules.packages.rpm_key_packets import PublicKey, read_keys
from opsrun.modules.requests import Run
from opsrun.modules.web.answering import read_reply
from opsrun.modules.web.asking import Asking, shown
from opsrun.modules.wording import path_bytes, path_word, word
from opsrun.remote.command import CommandResult

_ID = re.compile(r"(?:0[xX])?([0-9A-Fa-f]{8,64})\Z")

_LIMIT = 16 * 1024 * 1024
"""Bytes of keys."""

_LOOK = r"""
if command -v rpm >/dev/null 2>&1; then
  # What a script of the package's own says of itself is no key, and ends otherwise.
  for k in $(rpm -q gpg-pubkey --qf '%{VERSION}-%{RELEASE}\n' 2>/dev/null); do
    case $k in [0-9a-f]*-*) say there "$k" ;; esac
  done
  say rpm y
fi
"""

_FILE = r"""
say path "$f"
if [ -f "$f" ]; then
  x=$(cat -- "$f") || exit
  say content "$x"
fi
"""

_IMPORT = r"""
t=$(mktemp "${TMPDIR:-/tmp}/.key.XXXXXX") || exit
trap 'rm -f -- "$t"' EXIT
trap 'exit 143' HUP INT TERM
cat >"$t" || exit
rpm --import "$t"
"""


@dataclass(frozen=True, slots=True)
class Found:
    """What rpm trusts, and what the task names."""

    there: tuple[str, ...]
    """``VERSION-RELEASE`` of the packages that keys are in its database."""
    keys: tuple[PublicKey, ...]
    content: str


@module("rpm_key")
class RpmKey(StateModule[Found]):
    """Trust a key that packages of rpm are signed with, or no longer."""

    key: str = option(
        required=True,
        doc="A file on the host, or a URL that the host fetches it from; with absent also a key's "
        "id of eight digits or more.",
    )
    state: str = option("present", choices=("absent", "present"), doc="Whether it is trusted.")
    fingerprint: Sequence[str] | None = option(
        elements="str", doc="Fingerprints that have to be among the key's, before it is imported."
    )
    validate_certs: bool = option(True, doc="Whether the server at the URL has to be certified.")

    @property
    def _id(self) -> str:
        found = _ID.match(self.key.replace(" ", ""))
        return found[1].upper() if found else ""

    @property
    def _asking(self) -> Asking | None:
        if "://" not in self.key:
            return None
        return Asking(self.key, validate=self.validate_certs, timeout=10)

    def inspect(self, context: Context) -> Inspection[Found]:
        """What rpm trusts, and the key; a URL is asked, in check mode, too."""
        asking = self._asking
        data = asking.data if asking else None
        script = "".join(self._script(asking))
        return Inspection(script, self._found, data=data, cap=_LIMIT, environment=bool(asking))

    def _script(self, asking: Asking | None) -> Iterator[str]:
        yield f"LC_ALL=C\nexport LC_ALL\n{LOOK}{_LOOK}"
        if asking is not None:
            yield from asking.lines()
            yield 'say content "$(cat "$work/out")"\n'
        elif not self._id:
            yield f"f={path_word(self.key)}\n{_FILE}"

    def _found(self, answer: CommandResult) -> Found:
        answers = Answers(answer)
        if answers.get("rpm") is None:
            raise ModuleError(missing("rpm"))
        there = tuple(answers.every("there"))
        if self._id and self._asking is None:
            return Found(there, (PublicKey((self._id,)),), "")
        content = answers.text("content")
        if self._asking is not None:
            reply = read_reply(answers, self.key)
            if reply.status not in (0, 200):
                raise ModuleError(f"failed to fetch key at {shown(self.key)}: {reply.error}")
        elif answers.get("content") is None:
            raise ModuleError(f"Not a valid key {self.key}: there is no such file on the host")
        try:
            keys = read_keys(content)
        except ValueError as error:
            raise ModuleError(f"{_shown(self.key)} holds no key of OpenPGP: {error}") from error
        if not keys:
            raise ModuleError(f"{_shown(self.key)} holds no armored public key of OpenPGP")
        return Found(there, keys, content)

    def plan(self, state: Found, context: Context) -> Plan:
        """Import what is not there yet, or erase what is."""
        holding = {each: _package(each, state.there) for each in state.keys}
        if self.state == "absent":
            gone = [name for names in holding.values() for name in names]
            if not gone:
                return Plan()
            names = " ".join(word(f"gpg-pubkey-{each}") for each in gone)
            return Plan((Run(f"rpm -e --allmatches {names}\n"),), ModuleResult(True))
        if all(holding.values()):
            return Plan()
        if not state.content:
            raise ModuleError(f"{self.key!r} is a key's id: a file or a URL is needed to import it")
        self._is_meant(state)
        return Plan((Run(_IMPORT, path_bytes(f"{state.content}\n")),), ModuleResult(True))

    def _is_meant(self, state: Found) -> None:
        wanted = {each.replace(" ", "").upper() for each in self.fingerprint or ()}
        found = {one for key in state.keys for one in key.fingerprints}
        if wanted - found:
            words = ", ".join(sorted(wanted - found))
            raise ModuleError(
                f"{_shown(self.key)} was not imported: it has no fingerprint {words}, but "
                f"{', '.join(sorted(found))}"
            )


def _shown(key: str) -> str:
    """As messages have it: a password in a URL is not shown."""
    return shown(key) if "://" in key else key


def _package(key: PublicKey, there: Sequence[str]) -> list[str]:
    """The packages that a key is in rpm's database.

    Their version is the end of its fingerprint: eight digits, in newer ones all of them. An id that
    a task gives may be shorter than that.
    """
    own = key.fingerprint.lower()
    versions = ((each, each.partition("-")[0]) for each in there)
    return [each for each, version in versions if own.endswith(version) or version.endswith(own)]
