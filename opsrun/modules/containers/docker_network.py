"""docker_network: a network of containers, and who is connected to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from opsrun.modules.containers.daemon import (
    DOING,
    LOOKING,
    Daemon,
    each,
    loaded,
    pairs,
    step,
    texts,
)
from opsrun.modules.looking import Answers
from opsrun.modules.options import module, option
from opsrun.modules.requests import Run
from opsrun.modules.wording import text_of, word
from opsrun.remote.command import CommandResult

_IPAM = {"subnet": "Subnet", "iprange": "IPRange", "gateway": "Gateway",
         "aux_addresses": "AuxiliaryAddresses"}  # fmt: skip
_FLAGS = {"internal": "Internal", "attachable": "Attachable", "ingress": "Ingress",
          "config_only": "ConfigOnly", "enable_ipv6": "EnableIPv6",
          "enable_ipv4": "EnableIPv4"}  # fmt: skip
_WORDS = {"internal": "--internal", "attachable": "--attachable", "ingress": "--ingress",
          "config_only": "--config-only", "enable_ipv6": "--ipv6",
          "enable_ipv4": "--ipv4"}  # fmt: skip

Network = Mapping[str, Any] | None


def _judged(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    blocks = values.get("ipam_config")
    for block in blocks if isinstance(blocks, (list, tuple)) else ():
        for key in block if isinstance(block, Mapping) else ():
            if key not in _IPAM:
                yield "ipam_config", f"there is no {key!r}: {', '.join(_IPAM)}"


@module("community.docker.docker_network", judged=_judged)
class DockerNetwork(Daemon, StateModule[Network]):
    """See to it that a network is there, who is connected to it, or that it is gone."""

    called_: str = option(required=True, name="name", aliases=("network_name",), doc="Its name.")
    state: str = option("present", choices=("absent", "present"), doc="Whether it is there.")
    driver: str = option("bridge", doc="What makes it.")
    driver_options: Mapping[str, Any] | None = option(doc="What that is told.")
    ipam_driver: str | None = option(doc="What gives addresses.")
    ipam_driver_options: Mapping[str, Any] | None = option(doc="What that is told.")
    ipam_config: Sequence[Mapping[str, Any]] | None = option(
        elements="dict",
        doc="Addresses: each with ``subnet``, ``gateway``, ``iprange``, ``aux_addresses``.",
    )
    enable_ipv4: bool | None = option(doc="Whether it has IPv4.")
    enable_ipv6: bool | None = option(doc="Whether it has IPv6.")
    internal: bool | None = option(doc="Whether nothing outside is reached from it.")
    attachable: bool | None = option(doc="Whether single containers may join a swarm's network.")
    ingress: bool | None = option(doc="Whether it is the swarm's routing mesh.")
    config_only: bool | None = option(doc="Whether it is a pattern for others alone.")
    config_from: str | None = option(doc="Whose pattern it follows.")
    scope: str | None = option(choices=("local", "global", "swarm"), doc="Where it is known.")
    labels: Mapping[str, Any] | None = option(doc="Labels.")
    connected: Sequence[str] | None = option(
        aliases=("containers",), elements="str", doc="Who is connected to it, by name or identity."
    )
    appends: bool = option(
        False, aliases=("incremental",), doc="Whether others stay connected as well."
    )
    force: bool = option(False, doc="Whether it is made anew in any case.")

    def inspect(self, context: Context) -> Inspection[Network]:
        """What the daemon knows of it."""
        asked = self.docker("network", "inspect", self.called_)
        script = f"{LOOKING}ask network {asked}\n"
        return Inspection(script, _network, cap=8 << 20, environment=True)

    def plan(self, state: Network, context: Context) -> Plan:
        """Made, made anew, or removed; connected and disconnected."""
        now = _connected(state)
        wanted = [str(one) for one in self.connected or ()]
        before: dict[str, Any] = {"exists": state is not None}
        after: dict[str, Any] = {"exists": self.state == "present"}
        if self.state == "absent":
            actions = list(self._removed(now)) if state is not None else []
            gone, fresh = (list(now.values()) if state is not None else []), False
            joined: list[str] = []
            lines = self._removing(now) if state is not None else []
        else:
            told = dict(self._apart(state)) if state is not None else {}
            for name, (old, new) in told.items():
                before[name], after[name] = old, new
            fresh = state is None or bool(told) or self.force
            kept = list(now.values())
            here = [] if fresh else [*now, *(key[:12] for key in now), *kept]
            wants = [*wanted, *(kept if fresh and (self.appends or not wanted) else ())]
            joined = [one for one in dict.fromkeys(wants) if one not in here]
            gone = self._left(now, wanted) if not fresh and wanted and not self.appends else []
            lines = self._lines(now, state is not None, fresh, joined, gone)
            actions = []
            if fresh and state is not None:
                actions = list(self._removed(now))
            if fresh:
                actions.append(f"Created network {self.called_} with driver {self.driver}")
            actions += [f"Connected container {one}" for one in joined]
            actions += [f"Disconnected container {one}" for one in gone]
        for name in joined:
            before[f"connected.{name}"], after[f"connected.{name}"] = False, True
        for name in gone:
            before[f"connected.{name}"], after[f"connected.{name}"] = True, False
        data: dict[str, Any] = {"actions": actions}
        if self.state == "present":
            data["network"] = None if fresh else state
        result = ModuleResult(bool(lines), data=data, diff=(Diff(before, after, alone=True),))
        if not lines:
            return Plan(result=result)
        tail = f"{self.docker('network', 'inspect', self.called_)} </dev/null\n"
        script = DOING + "".join(lines) + (tail if self.state == "present" else "")
        return Plan((Run(script, environment=True, cap=8 << 20),), result)

    def _left(self, now: Mapping[str, str], wanted: Sequence[str]) -> list[str]:
        told = tuple(wanted)
        return [name for key, name in now.items() if name not in told and not key.startswith(told)]

    def _removed(self, now: Mapping[str, str]) -> Iterator[str]:
        yield from (f"Disconnected container {name}" for name in now.values())
        yield f"Removed network {self.called_}"

    def _removing(self, now: Mapping[str, str]) -> list[str]:
        left = [self._do("disconnect", "-f", self.called_, key) for key in now]
        return [*left, self._do("rm", self.called_)]

    def _lines(
        self,
        now: Mapping[str, str],
        there: bool,
        fresh: bool,
        joined: Sequence[str],
        gone: Sequence[str],
    ) -> list[str]:
        lines = self._removing(now) if fresh and there else []
        if fresh:
            lines.append(self._do("create", *self._create_words(), self.called_))
        lines += [self._do("connect", self.called_, one) for one in joined]
        return [*lines, *(self._do("disconnect", "-f", self.called_, one) for one in gone)]

    def _do(self, *words: str) -> str:
        return step(f"{self.called()} network {' '.join(map(word, words))}")

    def _create_words(self) -> Iterator[str]:
        yield from ("--driver", self.driver)
        for name, flag in _WORDS.items():
            value = getattr(self, name)
            # That there is no IPv4 has to be told.
            if value or (value is False and name == "enable_ipv4"):
                yield f"{flag}={'true' if value else 'false'}"
        for key, one in {"--config-from": self.config_from, "--scope": self.scope,
                         "--ipam-driver": self.ipam_driver}.items():  # fmt: skip
            yield from (key, one) if one else ()
        yield from pairs("--opt", self.driver_options)
        yield from pairs("--ipam-opt", self.ipam_driver_options)
        yield from pairs("--label", self.labels)
        for block in self.ipam_config or ():
            for name, flag in (("subnet", "--subnet"), ("gateway", "--gateway"),
                               ("iprange", "--ip-range")):  # fmt: skip
                yield from each(flag, [block[name]] if block.get(name) else None)
            yield from pairs("--aux-address", block.get("aux_addresses"))

    def _apart(self, state: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Any, Any]]]:
        """What is otherwise than it was asked for; more options and labels may be there."""
        if state.get("Driver") != self.driver and not self.config_only:
            yield "driver", (state.get("Driver"), self.driver)
        ipam = state.get("IPAM") or {}
        for name, now, wanted in (
            ("driver_options", state.get("Options"), self.driver_options),
            ("ipam_driver_options", ipam.get("Options"), self.ipam_driver_options),
            ("labels", state.get("Labels"), self.labels),
        ):
            found, told = texts(now), texts(wanted)
            if any(found.get(key) != value for key, value in told.items()):
                yield name, (found, told)
        if self.ipam_driver and ipam.get("Driver") != self.ipam_driver:
            yield "ipam_driver", (ipam.get("Driver"), self.ipam_driver)
        yield from self._addresses(ipam.get("Config") or ())
        for name, key in _FLAGS.items():
            value = getattr(self, name)
            if value is not None and key in state and bool(state[key]) != value:
                yield name, (state[key], value)
        if self.scope and state.get("Scope") != self.scope:
            yield "scope", (state.get("Scope"), self.scope)
        source = (state.get("ConfigFrom") or {}).get("Network", "")
        if self.config_from and source != self.config_from:
            yield "config_from", (source, self.config_from)

    def _addresses(
        self, blocks: Sequence[Mapping[str, Any]]
    ) -> Iterator[tuple[str, tuple[Any, Any]]]:
        for number, block in enumerate(self.ipam_config or ()):
            known = [one for one in blocks if one.get("Subnet") == block.get("subnet")]
            now = known[0] if known else {}
            for name, value in block.items():
                if value is not None and now.get(_IPAM[name]) != value:
                    yield f"ipam_config[{number}].{name}", (now.get(_IPAM[name]), value)

    def conclude(self, plan: Plan, answers: Sequence[Any]) -> ModuleResult:
        """With what the daemon knows of it now."""
        return _told(plan.result, answers[-1])

    @classmethod
    def concluded(cls, recipe: Mapping[str, Any], answer: CommandResult) -> ModuleResult:
        """See `Module.concluded`."""
        if not answer.ok:
            raise ModuleError.of(answer)
        return _told(ModuleResult.from_dict(recipe["result"]), answer)


def _network(answer: CommandResult) -> Network:
    found: Network = loaded(Answers(answer).get("network"))
    return found


def _connected(state: Network) -> dict[str, str]:
    """Names by identity."""
    return {key: str(one.get("Name", key)) for key, one in
            ((state or {}).get("Containers") or {}).items()}  # fmt: skip


def _told(result: ModuleResult, answer: CommandResult) -> ModuleResult:
    data = dict(result.data)
    if "network" in data:
        data["network"] = loaded(text_of(answer.stdout))
    return ModuleResult(result.changed, data=data, diff=result.diff)
