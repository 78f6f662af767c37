"""What came of apt-get's calls, as results and as words for what went wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from opsrun.errors import did_you_mean
from opsrun.modules.base import Diff, ModuleError, ModuleResult
from opsrun.modules.looking import Answers
from opsrun.modules.outcome import lines_of
from opsrun.modules.refusing import hint_of

_SUMMARY = re.compile(
    r"^(\d+) upgraded, (\d+) newly installed, (?:(\d+) reinstalled, )?(?:(\d+) downgraded, )?"
    r"(\d+) to remove and \d+ not upgraded\.$(?:\n(\d+) not fully installed)?",
    re.MULTILINE,
)
_TOLD = re.compile(r"^(?:The following .*\n(?: .*\n)*)*\d+ upgraded, .*$", re.MULTILINE)
_FAULT = re.compile(r"^(?:E|W|dpkg|Err):.*$|^dpkg: error.*$", re.MULTILINE)
_WHY = re.compile(
    r"^(?:The following packages have unmet dependencies|Package .* is a virtual package provided "
    r"by):\n((?: .*\n?)+)",
    re.MULTILINE,
)
_DPKG = re.compile(r"^dpkg: error.*\r?\n(?: .*\r?\n)*", re.MULTILINE)
_NO_VERSION = re.compile(r"Version '(.*?)' for '(.*?)' was not found")
_UNKNOWN = re.compile(r"Unable to locate package (\S+)")

_HINTS = (
    ("dpkg was interrupted", "state: fixed does not mend that: have dpkg --configure -a run first"),
    ("NO_PUBKEY", "the repository's key is not on the host: apt_key, or signed_by of "
     "deb822_repository, puts it there"),
    ("is not signed", "nobody vouches for that repository: give it a key, or say trusted=yes"),
    ("EXPKEYSIG", "the repository's key has expired: get its new one"),
    ("-y was used without --allow-downgrades", "allow_downgrade: true allows that"),
    ("--allow-change-held-packages", "it is held: allow_change_held_packages: true allows that"),
    ("Held packages were changed", "it is held: allow_change_held_packages: true allows that"),
    ("-y was used without --allow-unauth", "allow_unauthenticated: true allows that"),
    ("could not be authenticated", "allow_unauthenticated: true allows that"),
    ("remove is disabled", "fail_on_autoremove: true is why"),
    ("Unable to fetch some archives", "the lists may be old: update_cache: true renews them"),
    ("must put some 'deb-src'", "build dependencies are told of by source repositories alone"),
    ("are you root", "become: true"),
    ("Unmet dependencies. Try", "state: fixed tries to mend that"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class How:
    """What was asked, as far as it is needed to read what came of it; fit for JSON."""

    kind: str
    """``install``, ``remove``, ``upgrade``, ``cleaning``, ``update`` or ``deb``."""
    diff: bool = False
    updating: bool = False
    stamp: int = 0
    """When the lists were renewed last, before."""
    cleaned: bool = False
    """Whether there were packages to be thrown away."""
    check: bool = False
    names: Sequence[str] = field(default_factory=tuple)

    def to_dict(self) -> dict[str, Any]:
        """Its fields."""
        return {**asdict(self), "names": list(self.names)}

    def cache(self, stamp: int | None = None) -> dict[str, Any]:
        """What is told of the lists."""
        if self.kind not in ("install", "update") and not self.updating:
            return {}
        time = self.stamp if stamp is None else stamp
        return {"cache_updated": self.updating, "cache_update_time": time}


@dataclass(frozen=True, slots=True)
class Step:
    """One call."""

    name: str
    rc: int
    out: str
    err: str

    @property
    def changed(self) -> bool:
        """Whether it did anything, or would have."""
        if self.name in ("autoclean", "clean"):
            return re.search(r"^Del ", self.out, re.MULTILINE) is not None
        return any(int(each or 0) for found in _SUMMARY.findall(self.out) for each in found)

    @property
    def prepared(self) -> str:
        """What it said it would do."""
        found = _TOLD.search(self.out)
        return found[0] if found else ""


def steps_of(answers: Answers) -> list[Step]:
    """The calls, in order."""
    every = [answers.every(each) for each in ("step", "rc", "out", "err")]
    return [Step(name, int(rc), out, err) for name, rc, out, err in zip(*every, strict=True)]


def told(how: How, answers: Answers) -> ModuleResult:
    """What the script came to. ModuleError: it failed."""
    steps = steps_of(answers)
    if answers.get("refused") is not None:
        raise ModuleError(_with_hint(answers.text("refused")), **how.cache())
    if unknown := answers.every("unknown"):
        raise ModuleError(_nobody(unknown, answers), **how.cache())
    failed = next((each for each in steps if each.rc), None)
    stamp = how.stamp if how.check else answers.number("stamp") or 0
    if failed is not None:
        raise _failure(failed, how, answers, stamp)
    steps = [each for each in steps if each.name != "update"]
    cache = how.cache(stamp)
    if not steps:
        data = {**lines_of("", ""), "diff": ""} if how.kind == "deb" else {}
        return ModuleResult(how.kind == "update" and how.updating, data={**data, **cache})
    main = steps[0]
    changed = any(_changed(each, how) for each in steps)
    if not changed and how.kind in ("install", "remove"):
        return ModuleResult(data=cache)
    shown = {**lines_of(main.out, main.err), **cache}
    shows = how.diff and main.prepared and (changed or how.kind == "cleaning")
    diff = (Diff(prepared=main.prepared, alone=True),) if shows else ()
    msg = main.out if how.kind == "upgrade" else None
    return ModuleResult(changed, msg=msg, data=shown, diff=diff)


def _changed(step: Step, how: How) -> bool:
    return how.cleaned if step.name == "clean" else step.changed


def _failure(step: Step, how: How, answers: Answers, stamp: int) -> ModuleError:
    words = "\n".join(_FAULT.findall(step.err)) or step.err.strip() or step.out.strip()[-500:]
    # dpkg has a terminal of apt-get's, so that its errors are among its output.
    words = "\n".join([words, *(" ".join(each.split()) for each in _DPKG.findall(step.out))])
    what = "the lists of packages were not updated" if step.name == "update" else (
        f"apt-get {step.name} failed (exit status {step.rc})"
    )  # fmt: skip
    msg = f"{what}: {_with_hint(words, step.out)}"
    for why in _WHY.findall(step.out):
        msg += f"; {'; '.join(' '.join(line.split()) for line in why.splitlines())}"
    waited = answers.number("waited") or 0
    if waited:
        msg += f"; a lock was waited for {waited} s (lock_timeout)"
    msg += _versions(words, answers)
    unknown = _UNKNOWN.findall(words)
    if unknown:
        msg += f"; {_nobody(unknown, answers)}"
    if audit := answers.text("audit").strip():
        msg += f"; what dpkg was left with: {' '.join(audit.split())[:600]}"
    cache = how.cache(stamp) if step.name != "update" else {}
    return ModuleError(msg, rc=step.rc, **lines_of(step.out, step.err), **cache)


def _versions(words: str, answers: Answers) -> str:
    found = _NO_VERSION.search(words)
    if found is None:
        return ""
    lists = dict(zip(answers.every("versions"), answers.every("list"), strict=True))
    have = list(dict.fromkeys(lists.get(found[2], "").split()))
    if not have:
        return ""
    few = ", ".join(have[:8])
    return f"; versions of {found[2]} that there are: {few}{did_you_mean(found[1], have)}"


def _nobody(names: Sequence[str], answers: Answers) -> str:
    every = [name for each in answers.every("near") for name in each.split()]
    said = [f"{name!r}{did_you_mean(name, every)}" for name in names]
    if any(":" in each for each in names):
        return f"no package is called {', '.join(said)}; dpkg --add-architecture adds others' own"
    empty = "" if answers.text("any") else "; the lists are empty: update_cache: true fetches them"
    return f"no package is called {', '.join(said)}{empty}"


def _with_hint(words: str, out: str = "") -> str:
    low = f"{words}\n{out}".lower()
    hint = next((hint for phrase, hint in _HINTS if phrase.lower() in low), "") or hint_of(low)
    return f"{words} ({hint})" if hint else words


def how_of(recipe: Mapping[str, Any]) -> How:
    """One with that `How.to_dict`."""
    return How(**recipe)
