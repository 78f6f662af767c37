"""What is done about a container: one script, and what is told of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from opsrun.modules.base import Diff, ModuleError, ModuleResult
from opsrun.modules.containers.comparing import (
    Found,
    Wanted,
    Wishes,
    apart,
    differences,
    how,
    other_image,
    wanted,
)
from opsrun.modules.containers.creating import create_words, env_words, network_words, update_words
from opsrun.modules.containers.daemon import step
from opsrun.modules.containers.properties import PROPERTIES
from opsrun.modules.wording import word

_LIVE = frozenset(row.name for row in PROPERTIES if row.live)
_SAY = "say() { printf '%s\\0' \"$@\"; }\n"
_HEALTH = r"""
f='{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}} {{.State.Running}}'
n=0
while :; do
  h=$(DOCKER container inspect -f "$f" NAME </dev/null) || exit
  case $h in
    'healthy true') break ;;
    'none '*)
      echo 'the container has no check of its health' >&2
      exit 1
      ;;
    *' false')
      echo 'the container ended before it was healthy' >&2
      exit 1
      ;;
  esac
  n=$((n + 1))
  if [ LIMIT -gt 0 ] && [ "$n" -gt LIMIT ]; then
    echo "the container is not healthy after LIMIT seconds: ${h% *}" >&2
    exit 1
  fi
  sleep 1
done
"""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a task goes about it."""

    name: str
    image: str | None
    state: str
    docker: str
    comparisons: Mapping[str, str]
    recreate: bool
    restart: bool
    paused: bool | None
    waits: bool
    cleanup: bool
    logs: bool
    kill: bool
    signal: str | None
    patience: int | None
    keeps: bool
    health: float
    own_image: bool
    names_differ: bool

    def run(self, *words: str) -> str:
        """A line of the script."""
        return step(f"{self.docker} {' '.join(map(word, words))}")


@dataclass(slots=True)
class Work:
    """What there is to do."""

    lines: list[str] = field(default_factory=list)
    data: bytes | None = None
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    tail: list[str] = field(default_factory=list)
    changed: bool = False

    def differs(self, name: str, before: Any, after: Any) -> None:
        """Note what changes."""
        self.changed = True
        self.before[name], self.after[name] = before, after

    @property
    def script(self) -> str:
        """Empty where nothing is to be done."""
        return _SAY + "".join(self.lines + self.tail) if self.lines else ""

    def result(self) -> ModuleResult:
        """What is said of it."""
        return ModuleResult(self.changed, diff=(Diff(self.before, self.after, alone=True),))


def worked_out(manner: Manner, wishes: Wishes, found: Found, *, check: bool = False) -> Work:
    """What has to be done.

    Raises:
        ModuleError: something can't be had.
    """
    work = Work()
    container = found.container
    if manner.state == "absent":
        if container is not None:
            _remove(work, manner, container, _running(container))
            work.differs("exists", True, False)
        return work
    if manner.own_image and found.own is not None:
        found = replace(found, image=None) if container is not None else found
    wish = wanted(wishes, found)
    fresh = container is None
    if container is None:
        _create(work, manner, wish)
        work.differs("exists", False, True)
    else:
        fresh = _brought(work, manner, wishes, wish, found)
    _moved(work, manner, found, fresh)
    if manner.waits and fresh and manner.state == "started":
        work.lines.extend(_waiting(manner))
    else:
        inspect = f"{manner.docker} container inspect {word(manner.name)} </dev/null"
        work.tail.append(f'c=$({inspect}) || exit\nsay container "$c"\n')
    return work


def _running(container: Mapping[str, Any]) -> bool:
    return bool((container.get("State") or {}).get("Running"))


def _stop(work: Work, manner: Manner, name: str) -> None:
    if manner.kill:
        signal = ("-s", manner.signal) if manner.signal else ()
        work.lines.append(manner.run("kill", *signal, name))
    else:
        patience = () if manner.patience is None else ("-t", str(manner.patience))
        work.lines.append(manner.run("stop", *patience, name))


def _remove(work: Work, manner: Manner, container: Mapping[str, Any], running: bool) -> None:
    name = str(container["Id"])
    goes = bool((container.get("HostConfig") or {}).get("AutoRemove")) and running
    if running:
        work.differs("running", True, False)
        _stop(work, manner, name)
    volumes = () if manner.keeps else ("-v",)
    line = f"{manner.docker} rm -f {' '.join(volumes)} {word(name)}"
    # One that goes by itself when it is stopped may have done so.
    work.lines.append(f"{line} >/dev/null 2>&1 </dev/null\n" if goes else step(line))
    if goes:
        gone = f"{manner.docker} container inspect {word(name)} >/dev/null 2>&1 </dev/null"
        work.lines.append(f"while {gone}; do sleep 1; done\n")


def _create(work: Work, manner: Manner, wish: Wanted) -> None:
    if not manner.image:
        raise ModuleError(f"there is no container {manner.name}, and no image to make it of")
    exported, begin, variables, work.data = env_words(wish.env)
    words = [*variables, *create_words(manner.name, manner.image, wish)]
    line = f"{begin}{exported}{manner.docker} create {' '.join(map(word, words))}"
    ending = "" if begin else " </dev/null"
    work.lines.append(f"{line} >/dev/null{ending} || exit\n")
    for one in wish.networks:
        if one["name"] != wish.values.get("network_mode"):
            _connect(work, manner, one)


def _connect(work: Work, manner: Manner, one: Mapping[str, Any]) -> None:
    name = str(one["name"])
    work.lines.append(manner.run("network", "connect", *network_words(one), name, manner.name))


def _brought(work: Work, manner: Manner, wishes: Wishes, wish: Wanted, found: Found) -> bool:
    """Brings one that exists to what is wanted; whether it was made anew."""
    assert found.container is not None
    container = found.container
    apart_from = differences(wish, found, manner.comparisons, wishes.default_host_ip)
    if manner.image:
        image = other_image(manner.image, found, manner.comparisons, manner.names_differ)
        if image:
            apart_from["image"] = image
    anew = [name for name in apart_from if name not in _LIVE]
    for name, (before, after) in apart_from.items():
        work.differs(name, before, after)
    if manner.recreate or anew:
        running = _running(container)
        image_name = manner.image or str(container["Config"]["Image"])
        work.changed = True
        _remove(work, manner, container, running)
        if running:
            del work.before["running"], work.after["running"]
        _create(work, replace(manner, image=image_name), wish)
        return True
    if apart_from:
        words = update_words(wish.values, list(apart_from))
        work.lines.append(manner.run("update", *words, str(container["Id"])))
    _networks(work, manner, wishes, wish, container)
    return False


def _networks(
    work: Work, manner: Manner, wishes: Wishes, wish: Wanted, container: Mapping[str, Any]
) -> None:
    way = how(manner.comparisons, "networks")
    if way == "ignore" or wishes.networks is None:
        return
    join, leave, gone = apart(wish, container, wishes.purge_networks or way == "strict")
    now = sorted((container.get("NetworkSettings") or {}).get("Networks") or {})
    for name in (*leave, *gone):
        work.lines.append(manner.run("network", "disconnect", name, manner.name))
    for one in join:
        _connect(work, manner, one)
    if join or gone:
        after = {*now, *(str(one["name"]) for one in join)} - set(gone)
        work.differs("networks", now, sorted(after))


def _moved(work: Work, manner: Manner, found: Found, fresh: bool) -> None:
    """Starts, stops, pauses it."""
    was = found.container is not None and _running(found.container)
    runs = was and not fresh
    name = manner.name
    if manner.state == "stopped":
        if runs:
            _stop(work, manner, name)
        if was:
            work.differs("running", True, False)
        return
    if manner.state == "present":
        return
    if runs and manner.restart:
        work.differs("running", True, True)
        _stop(work, manner, name)
        runs = False
        work.lines.append(manner.run("start", name))
    elif not runs:
        work.differs("running", was, True)
        work.lines.append(manner.run("start", name))
    paused = bool(((found.container or {}).get("State") or {}).get("Paused")) and not fresh
    if manner.paused is not None and paused != manner.paused:
        work.differs("paused", paused, manner.paused)
        work.lines.append(manner.run("pause" if manner.paused else "unpause", name))
    if manner.state == "healthy":
        status = ((found.container or {}).get("State") or {}).get("Health") or {}
        if work.lines or status.get("Status") != "healthy":
            told = {"DOCKER": manner.docker, "NAME": word(name), "LIMIT": str(int(manner.health))}
            text = _HEALTH
            for key, value in told.items():
                text = text.replace(key, value)
            work.lines.append(text)


def _waiting(manner: Manner) -> Iterator[str]:
    name, docker = word(manner.name), manner.docker
    yield f"r=$({docker} wait {name} </dev/null) || exit\n"
    yield f"l=$({docker} logs {name} 2>&1 </dev/null; echo x)\nl=${{l%x}}\n"
    yield f"c=$({docker} container inspect {name} </dev/null) || exit\n"
    if manner.cleanup:
        volumes = "" if manner.keeps else " -v"
        yield step(f"{docker} rm -f{volumes} {name}")
        yield 'say status "$r" logs "$l"\n'
    else:
        yield 'say status "$r" logs "$l" container "$c"\n'
