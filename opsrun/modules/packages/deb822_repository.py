"""deb822_repository: a source of packages in a file of its own, as sources.list(5) has them now."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
from opsrun.modules.looking import LOOK, Answers, Seen
from opsrun.modules.options import module, option
from opsrun.modules.permissions import described
from opsrun.modules.requests import Run
from opsrun.modules.wording import word
from opsrun.remote.command import CommandResult

_BLANKS = re.compile(r"[_\s]+")
_UNFIT = re.compile(r"[^a-z0-9-]+")
_URL = re.compile(r"[a-z]+://")
_ARMOR = "-----BEGIN PGP PUBLIC KEY BLOCK-----"

_FETCH = """\
t=
for d in /run /dev/shm "${TMPDIR:-/tmp}"; do
  if t=$(mktemp -d "$d/.key.XXXXXX" 2>/dev/null); then break; fi
done
[ -n "$t" ] || { echo 'there is no room for a temporary file' >&2; exit 1; }
trap 'rm -rf "$t"' EXIT
if command -v curl >/dev/null; then
  e=$(curl -fsSL -o "$t/key" -- "$u" 2>&1) || { printf '%s\\n' "$u: $e" >&2; exit 1; }
elif command -v wget >/dev/null; then
  e=$(wget -nv -O "$t/key" -- "$u" 2>&1) || { printf '%s\\n' "$u: $e" >&2; exit 1; }
else
  echo 'there is no curl on this host' >&2
  exit 1
fi
case $(head -n 1 "$t/key" | tr -d '\\0') in *-----BEGIN*) x=asc ;; *) x=gpg ;; esac
say kind "$x" sum "$(cksum <"$t/key")"
for x in asc gpg; do
  if [ -f "$k.$x" ]; then say ring "$x" has "$(cksum <"$k.$x")"; fi
done
"""


_PUT = """\
put() (
  n=${1%/*}/.${1##*/}.opsrun-new
  trap 'rm -f -- "$n"' EXIT
  trap 'exit 143' HUP INT TERM
  rm -f -- "$n" && : >"$n" && chmod -- "$2" "$n" && cat >"$n" && mv -f -- "$n" "$1"
)
"""
"""``put PATH MODE``: standard input takes its place, whole. Its other name is none for apt."""


@dataclass(frozen=True, slots=True)
class Found:
    """What there is."""

    text: str | None
    """Of the file; None where there is none."""
    seen: Seen
    kind: str
    """``asc`` or ``gpg``, of a key that was fetched; empty where none was."""
    known: bool
    """Whether it is in its place."""
    rings: tuple[str, ...]


def _judged(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """What apt could not read: it would read none of its other sources either."""
    if values.get("state") == "absent" or values.get("enabled") is False:
        return
    for name in ("types", "uris", "suites"):
        given = values.get(name)
        if isinstance(given, (list, tuple)) and not any(str(each).strip() for each in given):
            yield name, f"{name}: an empty one makes a source that apt can't read"


@module("deb822_repository", judged=_judged)
class Deb822Repository(StateModule[Found]):
    """See to it that apt takes packages from a source, with its own key; or no longer does."""

    called: str = option(
        required=True, name="name", doc="What the source, and its files, are called."
    )
    state: str = option("present", choices=("absent", "present"), doc="Whether it is there.")
    types: list[str] = option(
        ("deb",), elements="str", choices=("deb", "deb-src"), doc="Of which packages it tells."
    )
    uris: list[str] | None = option(elements="str", doc="Where they are.")
    suites: list[str] | None = option(
        elements="str", doc="Distributions, or a path that ends in a slash."
    )
    components: list[str] | None = option(elements="str", doc="Parts of a distribution.")
    architectures: list[str] | None = option(elements="str", doc="Which alone are asked for.")
    signed_by: str | None = option(
        doc="A key: armored, at a URL, a file on the host, or fingerprints of trusted ones."
    )
    enabled: bool | None = option(doc="Whether it is used.")
    mode: int | str = option("0644", kind="mode", doc="Permissions of the file.")
    languages: list[str] | None = option(elements="str", doc="Of descriptions.")
    targets: list[str] | None = option(elements="str", doc="What is fetched of it.")
    trusted: bool | None = option(doc="Whether it is trusted without signatures, or never.")
    allow_downgrade_to_insecure: bool | None = option(
        doc="Whether what was signed may be unsigned."
    )
    allow_insecure: bool | None = option(doc="Whether it may be unsigned.")
    allow_weak: bool | None = option(doc="Whether signatures may be weak.")
    by_hash: bool | None = option(doc="Whether lists are asked for by their checksums.")
    check_date: bool | None = option(doc="Whether it may not be from the future.")
    check_valid_until: bool | None = option(doc="Whether it may not be too old.")
    date_max_future: int | None = option(doc="Seconds that it may be from the future.")
    inrelease_path: str | None = option(doc="Where its InRelease is.")
    pdiffs: bool | None = option(doc="Whether differences are fetched in place of whole lists.")

    @property
    def _slug(self) -> str:
        slug = _UNFIT.sub("", _BLANKS.sub("-", self.called.lower()))
        if not slug:
            raise ModuleError(
                f"name: {self.called!r} has nothing to call a file by: letters, digits, dashes"
            )
        return slug

    @property
    def _dest(self) -> str:
        return f"/etc/apt/sources.list.d/{self._slug}.sources"

    @property
    def _fetches(self) -> bool:
        return self.state == "present" and _URL.match(self.signed_by or "") is not None

    def inspect(self, context: Context) -> Inspection[Found]:
        """The file, and its key, which is fetched to be compared."""
        script = f"{LOOK}f={word(self._dest)}\n"
        script += 'if [ -f "$f" ]; then\n  x=$(cat -- "$f" && printf x) || exit 1\n'
        script += '  say text "${x%x}"\nfi\nat file "$f"\n'
        script += f"k=/etc/apt/keyrings/{self._slug}\n"
        if self._fetches:
            script += f"u={word(self.signed_by or '')}\n{_FETCH}"
        else:
            script += 'for x in asc gpg; do\n  if [ -f "$k.$x" ]; then say ring "$x"'
            script += " has ''; fi\ndone\n"
        return Inspection(script, _found, environment=True)

    def plan(self, state: Found, context: Context) -> Plan:
        """Write both, or take both away."""
        key = f"/etc/apt/keyrings/{self._slug}"
        if self.state == "absent":
            return self._gone(state, key)
        self._readable()
        ring = f"{key}.{state.kind}" if state.kind else None
        text = "".join(self._text(ring))
        mode = f"{self.mode:04o}" if isinstance(self.mode, int) else self.mode
        data = {"repo": text, "dest": self._dest, "key_filename": ring}
        fetches = bool(state.kind) and not state.known
        settled = mode.isdigit() and int(mode, 8) == state.seen.mode
        if state.text == text and settled and not fetches:
            return Plan(result=ModuleResult(data={**data, **described(state.seen)}))
        diff = Diff(state.text or "", text, self._dest, self._dest)
        run = Run("".join(self._script(text, mode, ring if fetches else None)), environment=True)
        return Plan((run,), ModuleResult(True, data=data, diff=(diff,)))

    def _readable(self) -> None:
        """apt reads none of its sources, where there is one that lacks what it needs."""
        if self.enabled is False:
            return
        suites = [word for each in self.suites or () for word in each.split()]
        parts = any(each.strip() for each in self.components or ())
        whole = [each.endswith("/") for each in suites]
        for name, given in (("uris", self.uris), ("suites", suites)):
            if not given:
                raise ModuleError(f"{name}: apt can't read a source without them")
        for each in self.uris or ():
            if ":" not in each:
                raise ModuleError(f"uris: {each!r} does not say how it is reached, as https: does")
        if parts and any(whole):
            raise ModuleError("components: a suite that ends in a slash has none")
        if not parts and not all(whole):
            raise ModuleError("components: a suite needs them, unless it ends in a slash")

    def _gone(self, state: Found, key: str) -> Plan:
        data: dict[str, Any] = {"repo": None, "dest": self._dest, "key_filename": f"{key}.gpg"}
        if state.rings:
            data["key_filename"] = f"{key}.{state.rings[0]}"
        if state.text is None and not state.rings:
            return Plan(result=ModuleResult(data=data))
        script = f"rm -f -- {self._dest} {' '.join(f'{key}.{each}' for each in state.rings)}\n"
        diff = Diff(state.text or "", "", self._dest, self._dest)
        return Plan((Run(script),), ModuleResult(True, data=data, diff=(diff,)))

    def _script(self, text: str, mode: str, ring: str | None) -> Iterator[str]:
        yield f"{LOOK}umask 022\n"
        if ring:
            yield f"k=/etc/apt/keyrings/{self._slug}\nu={word(self.signed_by or '')}\n{_FETCH}"
            yield f'{_PUT}mkdir -p /etc/apt/keyrings || exit 1\nput {ring} 644 <"$t/key" || exit\n'
        else:
            yield _PUT
        yield f"f={word(self._dest)}\nmkdir -p /etc/apt/sources.list.d || exit 1\n"
        yield f'printf \'%s\' {word(text)} | put "$f" {word(mode)} || exit\nat file "$f"\n'

    def conclude(self, plan: Plan, answers: Sequence[Any]) -> ModuleResult:
        """With what the file is like now."""
        return _concluded(plan.result, answers[-1])

    @classmethod
    def concluded(cls, recipe: Mapping[str, Any], answer: CommandResult) -> ModuleResult:
        """See `Module.concluded`."""
        if not answer.ok:
            raise ModuleError.of(answer)
        return _concluded(ModuleResult.from_dict(recipe["result"]), answer)

    def _text(self, ring: str | None) -> Iterator[str]:
        """The fields in the order of their options' names."""
        plain: dict[str, Any] = {
            "Allow-Downgrade-To-Insecure": self.allow_downgrade_to_insecure,
            "Allow-Insecure": self.allow_insecure,
            "Allow-Weak": self.allow_weak,
            "Architectures": self.architectures,
            "By-Hash": self.by_hash,
            "Check-Date": self.check_date,
            "Check-Valid-Until": self.check_valid_until,
            "Components": self.components,
            "Date-Max-Future": self.date_max_future,
            "Enabled": self.enabled,
            "Inrelease-Path": self.inrelease_path,
            "Languages": self.languages,
            "X-Repolib-Name": self.called,
            "Pdiffs": self.pdiffs,
            "Signed-By": ring or self._key(),
            "Suites": self.suites,
            "Targets": self.targets,
            "Trusted": self.trusted,
            "Types": self.types,
            "URIs": self.uris,
        }
        for name, value in plain.items():
            if value is not None:
                text = _value(value)
                if re.search(r"[\r\n]", text) and not text.startswith("\n    "):
                    raise ModuleError(f"{name}: {text!r:.80} has a line break: another field")
                blank = " " if text and not text.startswith("\n") else ""
                yield f"{name}:{blank}{text}\n"

    def _key(self) -> str | None:
        """As a field has it: of a key, each line behind blanks, and empty ones as a dot."""
        if self.signed_by is None or _ARMOR not in self.signed_by:
            return self.signed_by
        lines = (line.strip() or "." for line in self.signed_by.strip().splitlines())
        return "\n" + "\n".join(f"    {line}" for line in lines)


def _concluded(result: ModuleResult, answer: CommandResult) -> ModuleResult:
    if result.data["repo"] is None:
        return result
    seen = described(Answers(answer).seen("file"))
    return replace(result, data={**result.data, **seen})


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return " ".join(map(str, value))
    return str(value)


def _found(answer: CommandResult) -> Found:
    answers = Answers(answer)
    rings = dict(zip(answers.every("ring"), answers.every("has"), strict=True))
    kind = answers.text("kind")
    known = bool(kind) and rings.get(kind) == answers.text("sum")
    return Found(answers.get("text"), answers.seen("file"), kind, known, tuple(rings))
