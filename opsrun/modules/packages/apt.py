"""apt: packages of Debian and its kin are there, newest, or gone; their lists and upgrades."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opsrun.modules.background.job import Job
from opsrun.modules.base import Beginning, Context, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.looking import Answers
from opsrun.modules.options import module, option
from opsrun.modules.packages.apt_scripts import Work, looking
from opsrun.modules.packages.apt_telling import How, how_of, told
from opsrun.modules.packages.debian_names import Known, Wanted, read, table, there
from opsrun.modules.packages.managers import split_names
from opsrun.modules.requests import Run
from opsrun.remote.command import CommandResult

_UPGRADES = {
    "yes": ("upgrade", "--with-new-pkgs"),
    "safe": ("upgrade", "--with-new-pkgs"),
    "full": ("dist-upgrade",),
    "dist": ("dist-upgrade",),
}
_FORCED = (
    "--allow-downgrades",
    "--allow-remove-essential",
    "--allow-change-held-packages",
    "--allow-unauthenticated",
)
"""What ``--force-yes`` stood for."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the host said."""

    known: list[Known]
    native: str
    stamp: int
    now: int
    stands: frozenset[str]
    """Names that are no package's, but are provided by an installed one."""
    missing: Mapping[str, list[str]]
    """By pattern, the packages of such names that are not installed."""
    cleans: bool
    """Whether fetched packages are kept."""

    @classmethod
    def read(cls, answer: CommandResult) -> Seen:
        """Out of the answer of `looking`."""
        answers = Answers(answer)
        missing = dict(zip(answers.every("pattern"), answers.every("missing"), strict=True))
        return cls(
            table(answers.text("known")),
            answers.text("native"),
            answers.number("stamp") or 0,
            answers.number("now") or 0,
            frozenset(answers.every("stands")),
            {name: each.split() for name, each in missing.items()},
            bool(answers.text("clean")),
        )


@module("apt", exclusive=[("deb", "name", "upgrade")])
class Apt(Module):
    """See to packages with apt-get: no Python is needed on the host."""

    names: list[str] | None = option(
        name="name",
        aliases=("package", "pkg"),
        elements="str",
        doc="Packages: NAME, NAME:ARCHITECTURE, NAME=VERSION, NAME>=VERSION; names and versions "
        "may hold wildcards.",
    )
    state: str = option(
        "present",
        choices=("absent", "build-dep", "latest", "present", "fixed"),
        doc="Whether they are there, newest or gone; whether what it takes to build them is "
        "there; or whether broken dependencies are mended.",
    )
    update_cache: bool | None = option(
        aliases=("update-cache",), doc="Whether the lists of packages are renewed first."
    )
    cache_valid_time: int = option(
        0, doc="Seconds for which the lists are new enough; if given, older ones are renewed."
    )
    update_cache_retries: int = option(5, doc="Attempts at that.")
    update_cache_retry_max_delay: int = option(12, doc="Seconds between them, at most.")
    deb: str | None = option(
        kind="path", doc="A package in a file on the host, or at a URL that the host fetches."
    )
    upgrade: str = option(
        "no",
        choices=("dist", "full", "no", "safe", "yes"),
        doc="Whether all packages are upgraded: without removing any (yes, safe), or removing "
        "what is in the way (dist, full).",
    )
    autoremove: bool = option(False, doc="Whether packages go that nothing needs any more.")
    autoclean: bool = option(False, doc="Whether fetched packages go that no list has.")
    clean: bool = option(False, doc="Whether all fetched packages go.")
    purge: bool = option(False, doc="Whether settings go with what is removed.")
    install_recommends: bool | None = option(
        aliases=("install-recommends",),
        doc="Whether recommended packages come along; the host's own way if not said.",
    )
    only_upgrade: bool = option(False, doc="Whether only what is installed is upgraded.")
    default_release: str | None = option(
        aliases=("default-release",), doc="The release that packages are taken from."
    )
    dpkg_options: str = option(
        "force-confdef,force-confold", doc="Options of dpkg's, with commas between them."
    )
    force: bool = option(
        False, doc="Whether unsigned, older, held and essential packages may be changed."
    )
    allow_downgrade: bool = option(
        False,
        aliases=("allow-downgrade", "allow_downgrades", "allow-downgrades"),
        doc="Whether a package may become older.",
    )
    allow_unauthenticated: bool = option(
        False, aliases=("allow-unauthenticated",), doc="Whether packages need no signature."
    )
    allow_change_held_packages: bool = option(False, doc="Whether packages on hold may be changed.")
    fail_on_autoremove: bool = option(False, doc="Whether it fails rather than remove anything.")
    policy_rc_d: int | None = option(
        doc="Exit status that policy-rc.d has meanwhile: 101 keeps services from starting."
    )
    lock_timeout: int = option(60, doc="Seconds to wait while others use the packages.")
    force_apt_get: bool = option(False, doc="Means nothing: it is always apt-get.")

    def steps(self, context: Context) -> Steps:
        """A look, and one script that does what is left; simulated in check mode."""
        answer = yield Run(self._looking(), effect="reads")
        work, how = self._planned(Seen.read(answer), context)
        if work is None:
            return self._idle(how)
        script = work.script(check=context.check)
        # Proxies are told of in the environment.
        answer = yield Run(script, effect="reads" if context.check else "changes", environment=True)
        return told(how, Answers(answer))

    def background(self, context: Context) -> Beginning:
        """See `Module.background`: all but the look."""
        answer = yield Run(self._looking(), effect="reads")
        work, how = self._planned(Seen.read(answer), context)
        if work is None:
            return Job.done(self._idle(how).to_dict())
        run = Run(work.script(check=False), environment=True)
        return Job(run, {"module": self.name, "how": how.to_dict()})

    @classmethod
    def concluded(cls, recipe: Mapping[str, Any], answer: CommandResult) -> ModuleResult:
        """See `Module.concluded`."""
        return told(how_of(recipe["how"]), Answers(answer))

    # -- what is asked

    @property
    def _wanted(self) -> list[Wanted]:
        return [read(each) for each in split_names(self.names or ())]

    @property
    def _upgrade(self) -> str:
        """Also where the newest of everything is asked for."""
        wanted = split_names(self.names or ())
        if self.state == "latest" and "*" in wanted:
            if len(wanted) > 1:
                raise ModuleError("name: '*' upgrades everything: it stands alone")
            return "yes"
        return "" if self.upgrade == "no" else self.upgrade

    def _looking(self) -> str:
        return looking([] if self._upgrade else self._wanted, self.state)

    def _idle(self, how: How) -> ModuleResult:
        return ModuleResult(how.kind == "update" and how.updating, data=how.cache())

    def _due(self, seen: Seen) -> bool:
        asked = bool(self.cache_valid_time) if self.update_cache is None else self.update_cache
        return asked and seen.now >= seen.stamp + self.cache_valid_time

    # -- what is left to be done

    def _planned(self, seen: Seen, context: Context) -> tuple[Work | None, How]:
        due = self._due(seen)
        kind, parts = self._parts(seen, due)
        how = How(kind, context.diff, due, seen.stamp, self.clean and seen.cleans, context.check)
        if not parts and (context.check or not due):
            return None, how
        update = (max(self.update_cache_retries, 1), max(self.update_cache_retry_max_delay, 0))
        work = Work(
            limit=max(self.lock_timeout, 0),
            update=update if due else None,
            options=tuple(self._options(kind)),
            policy=self.policy_rc_d,
            **parts,
        )
        return work, how

    def _parts(self, seen: Seen, due: bool) -> tuple[str, dict[str, Any]]:
        """What kind of work, and the parts of `Work` that are its own."""
        after = [*(["autoclean"] if self.autoclean else []), *(["clean"] if self.clean else [])]
        tail: dict[str, Any] = {"after": tuple(after)} if after else {}
        if self._upgrade:
            return "upgrade", {"verb": _UPGRADES[self._upgrade], **tail}
        if self.deb:
            lower = self.allow_downgrade or self.force
            return "deb", {"deb": self.deb, "lower": lower, "insecure": self.force, **tail}
        wanted = self._wanted
        if self.state == "fixed":
            return "install", {"verb": ("install", "-f"), **_named(wanted), **tail}
        if wanted and self.state == "build-dep":
            return "install", {"verb": ("build-dep",), **_named(wanted), **tail}
        if wanted and self.state == "absent":
            going = self._going(wanted, seen)
            return "remove", {**({"verb": ("remove",), "names": going} if going else {}), **tail}
        if wanted:
            return "install", {**self._coming(wanted, seen, due), **tail}
        if self.autoremove:
            return "cleaning", {"verb": ("autoremove",), **tail}
        return ("cleaning", tail) if tail else ("update", {})

    def _going(self, wanted: list[Wanted], seen: Seen) -> tuple[str, ...]:
        gone = ("not-installed", *(() if self.purge else ("config-files",)))
        found = [
            f"{each.name}:{each.arch}" if one.arch else each.name
            for one in wanted
            for each in seen.known
            if each.status not in gone and each.is_for(one, seen.native)
            and (one.how != "=" or one.fits(each.version))
        ]  # fmt: skip
        return tuple(dict.fromkeys(found))

    def _coming(self, wanted: list[Wanted], seen: Seen, due: bool) -> dict[str, Any]:
        needed = [each for each in wanted if not self._satisfied(each, seen, due)]
        if not needed:
            return {}
        plain = [each for each in needed if not each.wild]
        # Pinned names with wildcards are apt-get's own affair.
        patterns = [each.called for each in needed if each.wild]
        return {
            **_named(plain),
            "verb": ("install", *(["--only-upgrade"] if self.only_upgrade else [])),
            "patterns": tuple(patterns),
            "every": self.state == "latest",
            "least": tuple((each.called, each.version) for each in plain if each.how == ">="),
        }

    def _satisfied(self, wanted: Wanted, seen: Seen, due: bool) -> bool:
        have = there(wanted, seen.known, seen.native)
        if self.only_upgrade and not have:
            return True
        if self.state == "latest" or wanted.newest:
            return False
        if wanted.wild:
            return not due and not seen.missing.get(wanted.name)
        if not have and not wanted.how and wanted.called in seen.stands:
            return True
        return any(wanted.fits(each.version) for each in have)

    def _options(self, kind: str) -> Iterator[str]:
        for each in filter(None, (part.strip() for part in self.dpkg_options.split(","))):
            yield from ("-o", f"Dpkg::Options::=--{each}")
        if self.default_release:
            yield from ("-t", self.default_release)
        if self.install_recommends is not None:
            said = "yes" if self.install_recommends else "no"
            yield from ("-o", f"APT::Install-Recommends={said}")
        if self.force:
            yield from _FORCED
        elif self.allow_downgrade:
            yield "--allow-downgrades"
        if self.allow_unauthenticated and not self.force:
            yield "--allow-unauthenticated"
        if self.allow_change_held_packages and not self.force:
            yield "--allow-change-held-packages"
        if self.autoremove and self.state != "build-dep":
            yield "--auto-remove"
        if self.purge and (kind == "remove" or self.autoremove):
            yield "--purge"
        if self.fail_on_autoremove and kind != "remove":
            yield "--no-remove"


def _named(wanted: list[Wanted]) -> dict[str, Any]:
    known = tuple(each.called for each in wanted if not each.wild and not each.arch)
    return {"names": tuple(each.word for each in wanted), "exist": known}
