"""What is missing of packages that a task names, or too much: pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from opsrun.modules.base import ModuleError
from opsrun.modules.packages.dnf_options import DnfOptions
from opsrun.modules.packages.managers import split_names
from opsrun.modules.packages.rpm_database import Package, matching

RELATION = re.compile(r"([^\s<>=]+)\s*(<=|>=|==|<|>|=)\s*(\S+)\Z")
"""A package's name, how its version is to compare, and with which."""
_HOLDS: Mapping[str, Callable[[int], bool]] = {
    "<": lambda found: found < 0,
    "<=": lambda found: found <= 0,
    ">": lambda found: found > 0,
    ">=": lambda found: found >= 0,
    "=": lambda found: found == 0,
    "==": lambda found: found == 0,
}


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of a host before anything is asked of dnf."""

    tool: str
    installed: tuple[Package, ...]
    provided: frozenset[str]
    """Names of the task's that are no package's, but what one that is installed provides."""
    files: Mapping[str, Package]
    """What is in files that the task names."""


@dataclass(frozen=True, slots=True)
class Work:
    """What to ask dnf for."""

    calls: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Each a command of dnf's and its packages; done in order."""
    remarks: tuple[str, ...] = ()
    """For ``results``."""
    sure: bool = True
    """Whether it is known to change something, and what can't be had to be a failure."""


def work(module: DnfOptions, found: Found) -> Work:
    """What a task comes to on a host."""
    specs = split_names(module.named or ())
    for each in specs:
        if each.startswith("-"):
            raise ModuleError(f"{each!r} can't be the name of a package")
    state = module.state or ("absent" if module.autoremove else "present")
    if state in ("absent", "removed"):
        return _absent(module, specs, found)
    if state == "latest":
        return _latest(module, specs, found)
    missing = [each for each in specs if not _there(module, each, found)]
    calls = (("install", tuple(missing)),) if missing else ()
    return Work(calls, sure=all(map(_plain, missing)))


def _plain(spec: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9_.+:~^-]+", spec) is not None and not spec.endswith(".rpm")


def _absent(module: DnfOptions, specs: list[str], found: Found) -> Work:
    gone, remarks, sure = [], [], True
    for each in specs:
        of_file = found.files.get(each)
        if each.startswith("@"):
            gone.append(each)
            sure = False
        elif of_file is not None and of_file in found.installed:
            gone.append(str(of_file))
        elif matching(found.installed, each) or each in found.provided:
            gone.append(each)
        elif relation := RELATION.match(each):
            gone += [str(p) for p in found.installed if holds(p, relation)]
        else:
            remarks.append(f"No match for argument: {each}")
    if module.autoremove and not specs:
        return Work((("autoremove", ()),), sure=False)
    calls = (("remove", tuple(gone)),) if gone else ()
    return Work(calls, tuple(remarks), sure)


def _latest(module: DnfOptions, specs: list[str], found: Found) -> Work:
    if "*" in specs:
        return Work((("upgrade", ()),), sure=False)
    newer, new, remarks = [], [], []
    for each in specs:
        if matching(found.installed, each) or each in found.provided:
            newer.append(each)
            if any(sign in each for sign in "*?[") and not module.update_only:
                new.append(each)
        elif _asked_of_dnf(each) or not _there(module, each, found):
            if module.update_only and not any(_other_version(each, found)):
                words = f"Packages providing {each} not installed due to update_only specified"
                remarks.append(words)
            else:
                new.append(each)
    calls = (("upgrade", tuple(newer)), ("install", tuple(new)))
    return Work(tuple(each for each in calls if each[1]), tuple(remarks), sure=False)


def _asked_of_dnf(spec: str) -> bool:
    return spec.startswith("@") or "://" in spec


def _there(module: DnfOptions, spec: str, found: Found) -> bool:
    """Whether a package is there, or a newer one that is to stay."""
    if _asked_of_dnf(spec):
        return False
    if matching(found.installed, spec) or spec in found.provided:
        return True
    of_file = found.files.get(spec)
    if of_file is not None:
        same = [p for p in found.installed if (p.name, p.arch) == (of_file.name, of_file.arch)]
        newer = any(p.newer(of_file) for p in same)
        return of_file in same or (newer and not module.allow_downgrade)
    relation = RELATION.match(spec)
    if relation is not None:
        same = [p for p in found.installed if p.name == relation[1]]
        too_new = relation[2] not in (">", ">=") and any(p.against(relation[3]) > 0 for p in same)
        held = any(holds(p, relation) for p in same)
        return held or (too_new and not module.allow_downgrade)
    return any(_other_version(spec, found)) and not module.allow_downgrade and _newer(spec, found)


def holds(package: Package, relation: re.Match[str]) -> bool:
    """Whether a package is one that a relation means."""
    held = _HOLDS[relation[2]]
    return package.name == relation[1] and held(package.against(relation[3]))


def _other_version(spec: str, found: Found) -> Iterator[tuple[Package, str]]:
    """Packages of the same name, with the version that is asked for."""
    for each in found.installed:
        rest = spec.removeprefix(f"{each.name}-")
        if rest != spec and re.match(r"\d", rest):
            yield each, rest.removesuffix(f".{each.arch}")


def _newer(spec: str, found: Found) -> bool:
    return any(each.against(evr) > 0 for each, evr in _other_version(spec, found))
