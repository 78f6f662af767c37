"""What is wanted of a container, in the daemon's form, and where an old one differs. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsrun.modules.base import ModuleError
from opsrun.modules.containers.container_options import Inside, Limits, Outside, Rights
from opsrun.modules.containers.daemon import full_name, is_id, texts
from opsrun.modules.containers.properties import PROPERTIES, SHAPES, words_of
from opsrun.modules.containers.volumes import (
    bind,
    bindings,
    env_file,
    env_of,
    ports,
    published,
)

_ADDRESSES = {"ipv4_address": "IPv4Address", "ipv6_address": "IPv6Address"}


@dataclass(frozen=True, kw_only=True)
class Wishes(Limits, Rights, Inside, Outside):
    """All options that a container can be compared by."""


@dataclass(frozen=True, slots=True)
class Found:
    """What there is."""

    container: Mapping[str, Any] | None
    image: Mapping[str, Any] | None
    """The one that is wanted."""
    own: Mapping[str, Any] | None
    """The one that the container was made of."""
    variables: str = ""
    """The file of variables."""
    home: str = ""
    others: Mapping[str, str] = ()  # type: ignore[assignment]
    """The identities of containers that are shared with, by name."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a container shall be: those of its properties that were asked for, by name."""

    values: Mapping[str, Any]
    env: Mapping[str, str]
    """All variables that were asked for."""
    networks: Sequence[Mapping[str, Any]]


def _all(value: Sequence[str] | None) -> bool:
    return value is not None and [str(one).lower() for one in value] == ["all"]


def mode(wishes: Wishes) -> str | None:
    """The mode of its network, as it was asked for."""
    if wishes.network_mode is not None:
        return wishes.network_mode
    if wishes.networks and wishes.networks_cli_compatible:
        return str(wishes.networks[0]["name"])
    return None


def wanted(wishes: Wishes, found: Found) -> Wanted:
    """What was asked for, in the daemon's form."""
    values: dict[str, Any] = {}
    for row in PROPERTIES:
        value = getattr(wishes, row.name)
        if value is not None:
            values[row.name] = row.wanted(value)
    if _all(wishes.published_ports):
        values["publish_all_ports"] = True
    for name in ("pid_mode", "ipc_mode"):
        if name in values:
            values[name] = _shared(values[name], found)
    own = {**env_file(found.variables), **texts(wishes.env)}
    values.update(_special(wishes, found, own))
    return Wanted(values, own, _networks(wishes.networks))


def _special(wishes: Wishes, found: Found, env: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    if wishes.command is not None:
        yield "command", words_of(wishes.command)
    if wishes.entrypoint is not None:
        yield "entrypoint", [str(one) for one in wishes.entrypoint]
    if wishes.env is not None or wishes.env_file is not None:
        image = env_of(((found.image or found.own or {}).get("Config") or {}).get("Env"))
        yield "env", sorted(f"{key}={value}" for key, value in {**image, **env}.items())
    bound = None
    if wishes.published_ports is not None and not _all(wishes.published_ports):
        bound = bindings(wishes.published_ports, wishes.default_host_ip)
        yield "published_ports", bound
    if wishes.exposed_ports is not None or bound:
        yield "exposed_ports", sorted(ports(wishes.exposed_ports or ()) | set(bound or ()))
    if wishes.volumes is not None:
        yield "volumes", sorted(bind(str(one), found.home) for one in wishes.volumes)
    network = mode(wishes)
    if network is not None:
        yield "network_mode", _shared("bridge" if network == "default" else network, found)


def _shared(value: str, found: Found) -> str:
    kind, colon, name = value.partition(":")
    if kind != "container" or not colon:
        return value
    return f"container:{dict(found.others).get(name, name)}"


def _networks(networks: Sequence[Mapping[str, Any]] | None) -> list[Mapping[str, Any]]:
    known = ("name", "aliases", "links", "mac_address", *_ADDRESSES)
    made: list[Mapping[str, Any]] = []
    for one in networks or ():
        if not one.get("name"):
            raise ModuleError("networks: each of them needs a name")
        if wrong := [key for key in one if key not in known]:
            raise ModuleError(f"networks: there is no {wrong[0]!r}; {', '.join(known)}")
        made.append({key: value for key, value in one.items() if value is not None})
    return made


# -- what there is


def there(name: str, container: Mapping[str, Any], wish: Wanted, host: str) -> Any:
    """One of the properties that are no row of the table, as it is."""
    config, hosts = container.get("Config") or {}, container.get("HostConfig") or {}
    if name in ("command", "entrypoint"):
        return _command(config, wish.values.get("entrypoint"))[name]
    if name == "env":
        return sorted(config.get("Env") or ())
    if name == "exposed_ports":
        return sorted(config.get("ExposedPorts") or ())
    if name == "published_ports":
        return published(hosts.get("PortBindings"), host)
    if name == "volumes":
        every = [*(hosts.get("Binds") or ()), *(config.get("Volumes") or ())]
        return sorted(bind(one) for one in every)
    network = hosts.get("NetworkMode") or "bridge"
    return "bridge" if network == "default" else network


def _command(config: Mapping[str, Any], entry: Sequence[str] | None) -> dict[str, list[str]]:
    """docker(1) takes one word as entry point: what follows it is told as the command."""
    point, command = list(config.get("Entrypoint") or ()), list(config.get("Cmd") or ())
    if entry and len(point) == 1 and [*point, *command][: len(entry)] == list(entry):
        return {"entrypoint": list(entry), "command": [*point, *command][len(entry) :]}
    return {"entrypoint": point, "command": command}


def matches(found: Any, value: Any, shape: str, strict: bool) -> bool:
    """Whether what there is will do."""
    if shape == "set" and not strict:
        return set(value) <= set(found)
    if shape == "set":
        return set(value) == set(found)
    if shape == "dict" and not strict:
        return all(found.get(key) == one for key, one in value.items())
    return bool(found == value)


def how(comparisons: Mapping[str, str], name: str) -> str:
    """How a property is compared: ``strict``, ``ignore``, ``allow_more_present`` or ``""``."""
    usual = "ignore" if name == "stop_timeout" else ""
    return comparisons.get(name) or comparisons.get("*") or usual


def differences(
    wish: Wanted, state: Found, comparisons: Mapping[str, str], host: str
) -> dict[str, tuple[Any, Any]]:
    """What there is and what is wanted, by the name of the option, where that differs."""
    assert state.container is not None
    rows = {row.name: row for row in PROPERTIES}
    made = {}
    for name in sorted(wish.values):
        value, way = wish.values[name], how(comparisons, name)
        if way == "ignore":
            continue
        row = rows.get(name)
        found = row.read(state.container) if row else there(name, state.container, wish, host)
        shown = value
        if name == "labels":
            image = ((state.image or state.own or {}).get("Config") or {}).get("Labels")
            shown = {**texts(image), **value}
        elif name == "exposed_ports":
            image = ((state.image or state.own or {}).get("Config") or {}).get("ExposedPorts")
            shown = sorted({*(image or ()), *value})
        if not matches(found, shown, SHAPES[name], way == "strict"):
            made[name] = (found, shown)
    return made


def other_image(
    name: str, state: Found, comparisons: Mapping[str, str], names_differ: bool
) -> tuple[Any, Any] | None:
    """What a container was made of and shall be made of, where that differs."""
    if state.container is None or state.image is None or how(comparisons, "image") == "ignore":
        return None
    now = state.container.get("Image")
    if now != state.image.get("Id"):
        return now, state.image.get("Id")
    called = str((state.container.get("Config") or {}).get("Image", ""))
    if names_differ and not is_id(name) and full_name(called) != full_name(name):
        return called, name
    return None


# -- networks


def apart(
    wish: Wanted, container: Mapping[str, Any], purge: bool
) -> tuple[list[Mapping[str, Any]], list[str], list[str]]:
    """Which networks to connect to, which of those to leave first, and which to leave for good."""
    at = (container.get("NetworkSettings") or {}).get("Networks") or {}
    if not at:
        at = {}
    join, leave = [], []
    for one in wish.networks:
        now = at.get(one["name"])
        if now is None:
            join.append(one)
        elif not _as_wanted(one, now):
            join.append(one)
            leave.append(str(one["name"]))
    known = {one["name"] for one in wish.networks}
    gone = [name for name in at if name not in known] if purge else []
    return join, leave, gone


def _as_wanted(one: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    given = now.get("IPAMConfig") or {}
    for name, key in _ADDRESSES.items():
        if one.get(name) and one[name] not in (given.get(key), now.get("IPAddress")):
            return False
    for name, key in (("aliases", "Aliases"), ("links", "Links")):
        if not set(one.get(name) or ()) <= set(now.get(key) or ()):
            return False
    return not one.get("mac_address") or one["mac_address"] == now.get("MacAddress")
