"""The words of ``docker create`` and its like, for what is wanted of a container. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from opsrun.modules.containers.comparing import Wanted
from opsrun.modules.containers.daemon import each
from opsrun.modules.containers.properties import PROPERTIES, health_words
from opsrun.modules.containers.volumes import publishing
from opsrun.modules.wording import word

_LONGEST = 32 * 1024
"""A line of a file of variables: docker(1) takes no longer ones than 64 KiB."""
_EXPORTED = re.compile(r"(?!DOCKER_|HTTPS?_PROXY|NO_PROXY)[A-Za-z_][A-Za-z0-9_]*")
_CLIENTS = frozenset({"PATH", "HOME", "SSH_AUTH_SOCK", "TMPDIR"})
_SHELLS = frozenset(
    {"IFS", "PWD", "OLDPWD", "LINES", "COLUMNS", "SECONDS", "RANDOM", "OPTIND", "OPTARG", "PPID"}
)
_BASHS = frozenset(
    {"UID", "EUID", "GROUPS", "HISTSIZE", "TMOUT", "LINENO", "SHELLOPTS", "BASHOPTS", "PS4", "ENV"}
)
OURS = _CLIENTS | _SHELLS | _BASHS
"""Names that docker(1) goes by, or that are no plain texts to some shell."""


def create_words(name: str, image: str, wish: Wanted) -> Iterator[str]:
    """All words behind ``docker create``; variables are told by `env_words`."""
    values = wish.values
    yield from ("--name", name)
    for row in PROPERTIES:
        if row.told and row.name in values:
            yield from row.words(values[row.name])
    yield from _told_otherwise(values)
    yield from publishing(values.get("published_ports", {}))
    yield from each("--expose", values.get("exposed_ports"))
    yield from each("--volume", values.get("volumes"))
    network = values.get("network_mode")
    if network is not None:
        first = next((one for one in wish.networks if one["name"] == network), {})
        yield from ("--network", network, *network_words(first, alias="--network-alias"))
    entry = values.get("entrypoint")
    if entry is not None:
        yield f"--entrypoint={entry[0] if entry else ''}"
    yield image
    yield from (entry or [])[1:]
    yield from values.get("command", ())


def _told_otherwise(values: Mapping[str, Any]) -> Iterator[str]:
    if "cpus" in values:
        yield f"--cpus={values['cpus'] / 10**9:.9f}".rstrip("0").rstrip(".")
    if "healthcheck" in values:
        yield from health_words(values["healthcheck"])
    yield from each("--add-host", [f"{key}:{one}" for key, one in
                                   values.get("etc_hosts", {}).items()])  # fmt: skip
    yield from restart_words(values)


def restart_words(values: Mapping[str, Any]) -> Iterator[str]:
    """How it is started anew, for ``docker create`` and ``docker update``."""
    policy, tries = values.get("restart_policy"), values.get("restart_retries")
    if policy is not None or tries is not None:
        kind = policy or "on-failure"
        yield f"--restart={kind}:{tries}" if tries and kind == "on-failure" else f"--restart={kind}"


def network_words(one: Mapping[str, Any], alias: str = "--alias") -> Iterator[str]:
    """How it is connected to a network."""
    told = {"--ip": one.get("ipv4_address"), "--ip6": one.get("ipv6_address")}
    for flag, value in told.items():
        yield from (flag, str(value)) if value else ()
    yield from each(alias, one.get("aliases"))
    yield from each("--link", one.get("links"))
    if one.get("mac_address"):
        yield from ("--mac-address", str(one["mac_address"])) if alias != "--alias" else (
            "--driver-opt", f"com.docker.network.endpoint.macaddress={one['mac_address']}"
        )  # fmt: skip


def update_words(values: Mapping[str, Any], names: Sequence[str]) -> Iterator[str]:
    """Words of ``docker update`` for those properties."""
    for row in PROPERTIES:
        if row.name in names and row.told:
            yield from row.words(values[row.name])
    if {"restart_policy", "restart_retries"} & set(names):
        yield from restart_words(values)


def env_words(env: Mapping[str, str]) -> tuple[str, str, list[str], bytes | None]:
    """How variables are told, so that no other user of the host sees their values.

    Returns:
        Assignments that stand before the command, how it begins, words of it, and what the script
        is given to read. A file of variables can't hold lines of their own; those go through the
        program's environment, unless it means something to the program itself.
    """
    lines, exported, words = [], [], []
    for key, value in env.items():
        plain = not re.search(r"[\n\r\0]", value) and len(value) < _LONGEST
        if plain and key and not re.search(r"[\s=]", key) and not key.startswith("#"):
            lines.append(f"{key}={value}\n")
        elif _EXPORTED.fullmatch(key) and key not in OURS:
            exported.append(f"{key}={word(value)} ")
            words += ["--env", key]
        else:
            words += ["--env", f"{key}={value}"]
    begin = ""
    if lines:
        begin, words = "cat | ", ["--env-file", "/dev/stdin", *words]
    data = "".join(lines).encode("utf-8", "surrogateescape") if lines else None
    return "".join(exported), begin, words, data
