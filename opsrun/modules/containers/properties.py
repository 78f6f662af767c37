"""What of a container can be told, wanted and compared: a row for each option.

Each `Property` reads what is wanted from the task, what there is from ``docker inspect``, both in
one form, and says what ``docker create`` has to be told.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from opsrun.modules.base import ModuleError
from opsrun.modules.containers.daemon import each, pairs, plain, texts
from opsrun.modules.containers.volumes import nanoseconds

Shape = Literal["value", "list", "set", "dict"]
"""Lists are compared in order; of sets and mappings, more may be there than is wanted."""
Words = Callable[[str, Any], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Property:
    """One option that is about the container itself."""

    name: str
    where: str
    """Its place in what ``docker inspect`` prints, keys joined by dots."""
    flag: str = ""
    """Of ``docker create``."""
    shape: Shape = "value"
    wanted: Callable[[Any], Any] = lambda value: value
    """From the option's value to the form that is compared."""
    found: Callable[[Any], Any] = lambda value: value
    """From the daemon's words to the same form."""
    live: bool = False
    """Whether ``docker update`` changes it while the container runs."""
    told: bool = True
    """Whether its flag can simply be given; others are told in `creating`."""

    def read(self, container: Mapping[str, Any]) -> Any:
        """What there is."""
        at: Any = container
        for key in self.where.split("."):
            at = (at or {}).get(key)
        return self.found(at)

    def words(self, value: Any) -> Iterator[str]:
        """Words of ``docker create`` for what is wanted, in the form that is compared."""
        if self.shape == "dict":
            yield from pairs(self.flag, value)
        elif self.shape in ("list", "set"):
            yield from each(self.flag, value)
        elif isinstance(value, bool):
            yield f"{self.flag}={plain(value)}"
        else:
            yield from (self.flag, str(value))


def _or(empty: Any) -> Callable[[Any], Any]:
    return lambda value: value or empty


def _list(value: Any) -> list[str]:
    return [str(one) for one in value or ()]


def _set(value: Any) -> list[str]:
    return sorted({str(one) for one in value or ()})


def _capability(name: Any) -> str:
    upper = str(name).upper()
    return upper if upper == "ALL" or upper.startswith("CAP_") else f"CAP_{upper}"


def _capabilities(value: Any) -> list[str]:
    return sorted({_capability(one) for one in value or ()})


def _device(value: Any) -> str:
    parts = str(value).split(":")
    path = parts[1] if len(parts) > 1 else parts[0]
    return f"{parts[0]}:{path}:{parts[2] if len(parts) > 2 else 'rwm'}"


def _devices(value: Any) -> list[str]:
    keys = ("PathOnHost", "PathInContainer", "CgroupPermissions")
    return sorted(":".join(one[key] for key in keys) for one in value or ())


def _ulimit(value: Any) -> str:
    name, _, numbers = str(value).replace("=", ":", 1).partition(":")
    soft, _, hard = numbers.partition(":")
    return f"{name}={soft}:{hard or soft}"


def _ulimits(value: Any) -> list[str]:
    return sorted(f"{one['Name']}={one['Soft']}:{one['Hard']}" for one in value or ())


def _tmpfs(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return sorted(f"{path}:{how}" if how else path for path, how in value.items())
    return _set(value)


def _hosts(value: Any) -> dict[str, str]:
    return dict(str(one).split(":", 1) for one in value or ())


def _link(value: Any) -> str:
    # The daemon tells them as ``/db:/web/alias``.
    name, _, alias = str(value).lstrip("/").partition(":")
    return f"{name}:{(alias or name).rpartition('/')[2]}"


def _links(value: Any) -> list[str]:
    return sorted(_link(one) for one in value or ())


def _swap(value: str) -> int:
    from opsrun.modules.coercion import BadValue, a_size

    if str(value).lower() in ("unlimited", "-1"):
        return -1
    try:
        return a_size(value)
    except BadValue as error:
        raise ModuleError(f"memory_swap: {error}") from error


def _check(test: Any) -> str:
    """Words become the text that a shell reads as them: docker(1) knows no others."""
    if isinstance(test, str):
        return "NONE" if test == "NONE" else test
    words = _list(test)
    if words[:1] == ["CMD"]:
        return shlex.join(words[1:])
    if words[:1] == ["CMD-SHELL"]:
        return " ".join(words[1:])
    return words[0] if words == ["NONE"] else shlex.join(words)


_TIMES = ("interval", "timeout", "start_period", "start_interval")


def _health(value: Mapping[str, Any] | None) -> dict[str, Any]:
    given = {key: one for key, one in (value or {}).items() if one is not None}
    if wrong := [key for key in given if key not in (*_TIMES, "test", "retries",
                                                     "test_cli_compatible")]:  # fmt: skip
        raise ModuleError(f"healthcheck: there is no {wrong[0]!r}")
    given.pop("test_cli_compatible", None)
    made: dict[str, Any] = {}
    for key, one in given.items():
        made[key] = _check(one) if key == "test" else one
        if key in _TIMES:
            made[key] = nanoseconds(one)
        elif key == "retries":
            made[key] = int(one)
    return made


def _health_found(value: Mapping[str, Any] | None) -> dict[str, Any]:
    names = {"Test": "test", "Interval": "interval", "Timeout": "timeout", "Retries": "retries",
             "StartPeriod": "start_period", "StartInterval": "start_interval"}  # fmt: skip
    found = {names[key]: one for key, one in (value or {}).items() if key in names}
    if "test" in found:
        found["test"] = _check(found["test"])
    return found


def health_words(value: Mapping[str, Any]) -> Iterator[str]:
    """The check's words for ``docker create``."""
    if value.get("test") == "NONE":
        yield "--no-healthcheck"
        return
    for key, one in value.items():
        flag = "cmd" if key == "test" else key.replace("_", "-")
        yield from (f"--health-{flag}", f"{one}ns" if key in _TIMES else str(one))


def _policy(value: str) -> str:
    return value or "no"


def _shared(value: Any) -> Any:
    return value or ""


def words_of(command: Any) -> list[str]:
    """A command's words: text is taken apart as a shell does."""
    if isinstance(command, str):
        try:
            return shlex.split(command)
        except ValueError as error:
            raise ModuleError(f"command: {error}: {command!r}") from error
    return [plain(one) for one in command] if isinstance(command, Sequence) else [str(command)]


def _host(key: str) -> str:
    return f"HostConfig.{key}"


PROPERTIES: Sequence[Property] = (
    Property("auto_remove", _host("AutoRemove"), "--rm"),
    Property("blkio_weight", _host("BlkioWeight"), "--blkio-weight", live=True),
    Property("cap_drop", _host("CapDrop"), "--cap-drop", "set", _capabilities, _capabilities),
    Property("capabilities", _host("CapAdd"), "--cap-add", "set", _capabilities, _capabilities),
    Property("cgroup_parent", _host("CgroupParent"), "--cgroup-parent"),
    Property("cgroupns_mode", _host("CgroupnsMode"), "--cgroupns"),
    Property("cpu_period", _host("CpuPeriod"), "--cpu-period", live=True),
    Property("cpu_quota", _host("CpuQuota"), "--cpu-quota", live=True),
    Property("cpu_shares", _host("CpuShares"), "--cpu-shares", live=True),
    Property("cpus", _host("NanoCpus"), "--cpus", wanted=lambda value: round(value * 10**9),
             told=False),
    Property("cpuset_cpus", _host("CpusetCpus"), "--cpuset-cpus", live=True),
    Property("cpuset_mems", _host("CpusetMems"), "--cpuset-mems", live=True),
    Property("device_cgroup_rules", _host("DeviceCgroupRules"), "--device-cgroup-rule", "set",
             _set, _set),
    Property("devices", _host("Devices"), "--device", "set",
             lambda value: sorted(map(_device, value)), _devices),
    Property("dns_opts", _host("DnsOptions"), "--dns-option", "set", _set, _set),
    Property("dns_search_domains", _host("DnsSearch"), "--dns-search", "list", _list, _list),
    Property("dns_servers", _host("Dns"), "--dns", "list", _list, _list),
    Property("domainname", "Config.Domainname", "--domainname"),
    Property("etc_hosts", _host("ExtraHosts"), "--add-host", "dict", texts, _hosts, told=False),
    Property("groups", _host("GroupAdd"), "--group-add", "set", _set, _set),
    Property("healthcheck", "Config.Healthcheck", "", "dict", _health, _health_found, told=False),
    Property("hostname", "Config.Hostname", "--hostname"),
    Property("init", _host("Init"), "--init", found=bool),
    Property("interactive", "Config.OpenStdin", "--interactive"),
    Property("ipc_mode", _host("IpcMode"), "--ipc", found=_shared),
    Property("labels", "Config.Labels", "--label", "dict", texts, texts),
    Property("links", _host("Links"), "--link", "set", _links, _links),
    Property("log_driver", _host("LogConfig.Type"), "--log-driver"),
    Property("log_options", _host("LogConfig.Config"), "--log-opt", "dict", texts, texts),
    Property("memory", _host("Memory"), "--memory", live=True),
    Property("memory_reservation", _host("MemoryReservation"), "--memory-reservation", live=True),
    Property("memory_swap", _host("MemorySwap"), "--memory-swap", wanted=_swap, live=True),
    Property("memory_swappiness", _host("MemorySwappiness"), "--memory-swappiness"),
    Property("oom_killer", _host("OomKillDisable"), "--oom-kill-disable", found=bool),
    Property("oom_score_adj", _host("OomScoreAdj"), "--oom-score-adj"),
    Property("pid_mode", _host("PidMode"), "--pid", found=_shared),
    Property("pids_limit", _host("PidsLimit"), "--pids-limit", found=_or(0)),
    Property("privileged", _host("Privileged"), "--privileged"),
    Property("publish_all_ports", _host("PublishAllPorts"), "--publish-all"),
    Property("read_only", _host("ReadonlyRootfs"), "--read-only"),
    Property("restart_policy", _host("RestartPolicy.Name"), found=_policy, live=True, told=False),
    Property("restart_retries", _host("RestartPolicy.MaximumRetryCount"), live=True, told=False),
    Property("runtime", _host("Runtime"), "--runtime"),
    Property("security_opts", _host("SecurityOpt"), "--security-opt", "set", _set, _set),
    Property("shm_size", _host("ShmSize"), "--shm-size"),
    Property("stop_signal", "Config.StopSignal", "--stop-signal"),
    Property("stop_timeout", "Config.StopTimeout", "--stop-timeout"),
    Property("storage_opts", _host("StorageOpt"), "--storage-opt", "dict", texts, texts),
    Property("sysctls", _host("Sysctls"), "--sysctl", "dict", texts, texts),
    Property("tmpfs", _host("Tmpfs"), "--tmpfs", "set", _tmpfs, _tmpfs),
    Property("tty", "Config.Tty", "--tty"),
    Property("ulimits", _host("Ulimits"), "--ulimit", "set",
             lambda value: sorted(map(_ulimit, value)), _ulimits),
    Property("user", "Config.User", "--user"),
    Property("userns_mode", _host("UsernsMode"), "--userns", found=_shared),
    Property("uts", _host("UTSMode"), "--uts", found=_shared),
    Property("volume_driver", _host("VolumeDriver"), "--volume-driver"),
    Property("volumes_from", _host("VolumesFrom"), "--volumes-from", "set", _set, _set),
    Property("working_dir", "Config.WorkingDir", "--workdir"),
)  # fmt: skip
"""Those whose two sides need nothing but themselves; the others are in `comparing`."""

SPECIAL: Mapping[str, Shape] = {
    "command": "list",
    "entrypoint": "list",
    "env": "set",
    "exposed_ports": "set",
    "image": "value",
    "network_mode": "value",
    "networks": "set",
    "published_ports": "dict",
    "volumes": "set",
}
SHAPES: Mapping[str, Shape] = {**{each.name: each.shape for each in PROPERTIES}, **SPECIAL}
"""Of every name that ``comparisons`` may have."""
