"""What a container can be: its options, by what of it they are about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsrun.modules.base import Module
from opsrun.modules.options import option


@dataclass(frozen=True, kw_only=True)
class Limits(Module):
    """What a container may use of its host."""

    memory: int | None = option(kind="bytes", doc="How much memory it may use, like ``512M``.")
    memory_reservation: int | None = option(kind="bytes", doc="How much it may count on.")
    memory_swap: str | None = option(doc="Memory and swap together; ``unlimited`` for any.")
    memory_swappiness: int | None = option(doc="How readily it is swapped out, 0 to 100.")
    cpus: float | None = option(doc="How many processors it may use, 1.5 for one and a half.")
    cpu_period: int | None = option(doc="The scheduler's period, in microseconds.")
    cpu_quota: int | None = option(doc="How much of that it may use, in microseconds.")
    cpu_shares: int | None = option(doc="Its weight beside others.")
    cpuset_cpus: str | None = option(doc="On which processors it runs, like ``0-3``.")
    cpuset_mems: str | None = option(doc="Of which memory nodes it takes.")
    blkio_weight: int | None = option(doc="Its weight beside others at disks, 10 to 1000.")
    pids_limit: int | None = option(doc="How many processes it may have; -1 for any number.")
    oom_killer: bool | None = option(doc="Whether the kernel's killer is kept off it.")
    oom_score_adj: int | None = option(doc="How soon the kernel's killer takes it.")
    shm_size: int | None = option(kind="bytes", doc="The size of its ``/dev/shm``.")
    ulimits: Sequence[str] | None = option(elements="str", doc="Limits, ``nofile:1024:2048``.")
    storage_opts: Mapping[str, Any] | None = option(doc="What the storage driver is told.")
    sysctls: Mapping[str, Any] | None = option(doc="Kernel parameters of its own.")
    cgroup_parent: str | None = option(doc="The control group that its own is in.")
    cgroupns_mode: str | None = option(
        choices=("host", "private"), doc="Whose control groups it sees."
    )


@dataclass(frozen=True, kw_only=True)
class Rights(Module):
    """What it may do."""

    privileged: bool | None = option(doc="Whether it may do all that the host's root may.")
    capabilities: Sequence[str] | None = option(elements="str", doc="Capabilities it has besides.")
    cap_drop: Sequence[str] | None = option(elements="str", doc="Capabilities it has not.")
    security_opts: Sequence[str] | None = option(elements="str", doc="Options of security modules.")
    devices: Sequence[str] | None = option(elements="str", doc="Devices, ``/dev/a:/dev/b:rwm``.")
    device_cgroup_rules: Sequence[str] | None = option(elements="str", doc="Rules for devices.")
    groups: Sequence[str] | None = option(elements="str", doc="Groups that its processes are in.")
    user: str | None = option(doc="Who its processes run as, ``USER[:GROUP]``.")
    userns_mode: str | None = option(doc="Whose users it has: ``host``.")
    pid_mode: str | None = option(doc="Whose processes it sees: ``host``, ``container:NAME``.")
    ipc_mode: str | None = option(doc="With whom it shares memory.")
    uts: str | None = option(doc="Whose host name it has: ``host``.")
    runtime: str | None = option(doc="What runs it.")


@dataclass(frozen=True, kw_only=True)
class Inside(Module):
    """What runs in it, and with what."""

    command: str | Sequence[str] | None = option(
        kind="raw", doc="What it runs: words, or text that a shell would take apart."
    )
    command_handling: str = option(
        "correct", choices=("correct",), doc="Words stay words, as they are written."
    )
    entrypoint: Sequence[str] | None = option(elements="str", doc="What the command is given to.")
    env: Mapping[str, Any] | None = option(doc="Variables; whatever their values, text.")
    env_file: str | None = option(kind="path", doc="A file of the host's with variables, too.")
    working_dir: str | None = option(doc="Where it begins.")
    labels: Mapping[str, Any] | None = option(doc="Labels.")
    hostname: str | None = option(doc="Its host name.")
    domainname: str | None = option(doc="Its domain.")
    init: bool | None = option(doc="Whether its first process is one that takes care of others.")
    interactive: bool | None = option(doc="Whether its standard input stays open.")
    tty: bool | None = option(doc="Whether it has a terminal.")
    read_only: bool | None = option(doc="Whether its own files can't be changed.")
    volumes: Sequence[str] | None = option(
        elements="str", doc="Volumes and directories: ``SOURCE:PATH[:MODE]``."
    )
    volumes_from: Sequence[str] | None = option(elements="str", doc="Containers to take them of.")
    volume_driver: str | None = option(doc="What makes them.")
    tmpfs: Sequence[str] | None = option(elements="str", doc="Paths in memory, ``PATH[:OPTIONS]``.")
    healthcheck: Mapping[str, Any] | None = option(
        doc="How its health is told: ``test``, ``interval``, ``timeout``, ``start_period``, "
        "``start_interval``, ``retries``.",
    )
    stop_signal: str | None = option(doc="Which signal ends it.")
    stop_timeout: int | None = option(doc="How many seconds it is given to end by itself.")
    auto_remove: bool | None = option(doc="Whether it goes when it ends.")
    restart_policy: str | None = option(
        choices=("no", "on-failure", "always", "unless-stopped"), doc="When it is started anew."
    )
    restart_retries: int | None = option(doc="How often, with ``on-failure``.")
    log_driver: str | None = option(doc="Where its output goes.")
    log_options: Mapping[str, Any] | None = option(aliases=("log_opt",), doc="How.")


@dataclass(frozen=True, kw_only=True)
class Outside(Module):
    """How it is reached, and what it reaches."""

    published_ports: Sequence[str] | None = option(
        elements="str",
        aliases=("ports",),
        doc="Ports of the host that lead in: ``[[ADDRESS:]PORT:]PORT[/PROTOCOL]``, or ``all``.",
    )
    exposed_ports: Sequence[str] | None = option(
        elements="str", aliases=("exposed", "expose"), doc="Ports it listens on."
    )
    publish_all_ports: bool | None = option(doc="Whether all of those are published.")
    default_host_ip: str = option("0.0.0.0", doc="The address of ports that name none.")
    network_mode: str | None = option(
        doc="``bridge``, ``host``, ``none``, ``container:NAME`` or a network's name."
    )
    networks: Sequence[Mapping[str, Any]] | None = option(
        elements="dict",
        doc="Networks: ``name``, ``aliases``, ``ipv4_address``, ``ipv6_address``, ``links``, "
        "``mac_address``.",
    )
    networks_cli_compatible: bool = option(
        True, doc="Whether the first of them stands in for the usual one."
    )
    purge_networks: bool = option(False, doc="Whether it is in no other networks.")
    links: Sequence[str] | None = option(elements="str", doc="Containers it knows, ``NAME:ALIAS``.")
    etc_hosts: Mapping[str, Any] | None = option(doc="Addresses of hosts, by name.")
    dns_servers: Sequence[str] | None = option(elements="str", doc="Name servers.")
    dns_opts: Sequence[str] | None = option(elements="str", doc="Options for asking them.")
    dns_search_domains: Sequence[str] | None = option(elements="str", doc="Domains to search.")
