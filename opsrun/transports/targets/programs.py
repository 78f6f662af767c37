"""The words of ssh(1), docker, podman and kubectl, from variables and options.

A secret is never among them: they can be read by everybody on this machine (ps(1)).
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from opsrun.errors import NotBuiltError, UsageError, did_you_mean
from opsrun.remote.deadline import LONGEST, Timeouts
from opsrun.transports.ssh_config.keywords import spelling
from opsrun.transports.ssh_config.parse import Setting
from opsrun.transports.ssh_config.values import MANY, ONE
from opsrun.transports.targets.target import ContainerProgram, ProgramTarget
from opsrun.transports.targets.values import Variables, checked_address

_NAME = re.compile(r"[A-Za-z0-9][\w./-]*\Z", re.ASCII)
_PLAIN = re.compile(r"[^\s\"'\\#]+\Z")

CONTAINERS: Mapping[str, ContainerProgram] = {
    "docker": "docker",
    "community.docker.docker": "docker",
    "podman": "podman",
    "containers.podman.podman": "podman",
    "kubectl": "kubectl",
    "kubernetes.core.kubectl": "kubectl",
}
"""``ansible_connection``, and the program that it means."""

_FLAG = "flag"
_NEGATED = "negated"


@dataclass(frozen=True, slots=True)
class _Container:
    """How a container program is called, and which variables become which of its options."""

    name: tuple[str, ...]
    """Variables that name the container or pod; the last one that is set counts."""
    general: Mapping[str, tuple[str, str]]
    """Variable: an option in front of ``exec``, and what becomes of its value."""
    special: Mapping[str, tuple[str, str]]
    """Variable: an option behind ``exec -i``."""


_OF: Mapping[ContainerProgram, _Container] = {
    "docker": _Container(
        ("ansible_host", "ansible_docker_host"),
        {},
        {
            "ansible_user": ("-u", ""),
            "ansible_docker_user": ("-u", ""),
            "ansible_docker_working_dir": ("-w", ""),
            "ansible_docker_privileged": ("--privileged", _FLAG),
        },
    ),
    "podman": _Container(
        ("ansible_host", "ansible_podman_host"),
        {},
        {"ansible_user": ("--user", ""), "ansible_podman_user": ("--user", "")},
    ),
    "kubectl": _Container(
        ("ansible_host", "ansible_kubectl_pod"),
        {
            "ansible_kubectl_kubeconfig": ("--kubeconfig", ""),
            "ansible_kubectl_context": ("--context", ""),
            "ansible_kubectl_host": ("--server", ""),
            "ansible_kubectl_ssl_ca_cert": ("--certificate-authority", ""),
            "ansible_kubectl_ca_cert": ("--certificate-authority", ""),
            "ansible_kubectl_cert_file": ("--client-certificate", ""),
            "ansible_kubectl_client_cert": ("--client-certificate", ""),
            "ansible_kubectl_key_file": ("--client-key", ""),
            "ansible_kubectl_client_key": ("--client-key", ""),
            "ansible_kubectl_verify_ssl": ("--insecure-skip-tls-verify", _NEGATED),
        },
        {
            "ansible_kubectl_namespace": ("-n", ""),
            "ansible_kubectl_container": ("-c", ""),
        },
    ),
}


def container_target(program: ContainerProgram, known: Variables, patience: float) -> ProgramTarget:
    """A host that is a container, or a pod.

    Raises:
        UsageError: a value that can't be used.
        NotBuiltError: a variable that has no option of the program's.
    """
    kind = _OF[program]
    _refuse_unmapped(program, kind, known)
    named = known.last(*kind.name)
    name = known.text(named) if named else known.host
    if not _NAME.match(name):
        place = known.place(named) if named else "inventory"
        raise UsageError(f"{place}: {name!r} is no name of a container")
    executable = known.last(f"ansible_{program}_executable")
    words = [_program(known, executable) if executable else program]
    extra = known.last(f"ansible_{program}_extra_args")
    if extra:
        words += _split(known, extra)
    words += _mapped(kind.general, known)
    words += ["exec", "-i"]
    special = _mapped(kind.special, known)
    if program == "kubectl":
        words += [name, *special, "--"]
    else:
        words += [*special, name]
    what = "pod" if program == "kubectl" else "container"
    return ProgramTarget(known.host, program, tuple(words), f"{what} {name}", patience)


def _refuse_unmapped(program: str, kind: _Container, known: Variables) -> None:
    prefix = f"ansible_{program}_"
    may = (*kind.name, *kind.general, *kind.special, f"{prefix}extra_args", f"{prefix}executable")
    for name in known.starting_with(prefix):
        if name not in may and name != f"{prefix}timeout":
            ours = [one for one in may if one.startswith(prefix)]
            raise NotBuiltError(
                f"{known.place(name)}: this is not built{did_you_mean(name, ours)} "
                f"There are {', '.join(ours)}"
            )


def _mapped(options: Mapping[str, tuple[str, str]], known: Variables) -> list[str]:
    chosen: dict[str, list[str]] = {}
    for variable, (letter, what) in options.items():
        if known.last(variable) is None:
            continue
        if what in (_FLAG, _NEGATED):
            # A later variable of the same meaning wins, as everywhere.
            chosen[letter] = [letter] if known.truth(variable) is (what == _FLAG) else []
            continue
        value = known.word(variable)
        if value.startswith("-"):
            raise UsageError(f"{known.place(variable)}: {value!r} begins with '-'")
        chosen[letter] = [letter, value]
    return [word for words in chosen.values() for word in words]


def _program(known: Variables, name: str) -> str:
    text = known.text(name)
    if text.startswith("-"):
        raise UsageError(f"{known.place(name)}: {text!r} is no program")
    return text


def _split(known: Variables, name: str) -> list[str]:
    try:
        return shlex.split(known.line(name))
    except ValueError as error:
        raise UsageError(f"{known.place(name)}: {str(error).lower()}") from None


def ssh_program_target(
    known: Variables, address: str, options: Sequence[Setting], file: str | None
) -> ProgramTarget:
    """A host that ssh(1) reaches, which reads ssh_config by itself.

    What the layers above ssh_config say comes first among its words, and so wins; after them come
    our own deadlines and signs of life, which win over ssh_config.

    Args:
        known: the host's variables.
        address: name or address, as ssh is to look it up.
        options: the layers above ssh_config, the first one winning.
        file: ``-F``.

    Raises:
        UsageError: a value that can't be used.
    """
    usual = Timeouts()
    executable = known.last("ansible_ssh_executable")
    words = [_program(known, executable) if executable else "ssh", "-T"]
    if file is not None:
        words += ["-F", file]
    # First those that nothing may change: the log is how we learn what became of the command.
    words += _option("LogLevel=DEBUG1") + _option("BatchMode=yes")
    for one in options:
        words += _option(f"{spelling(one.keyword)}={_value(one)}")
    words += _option(f"ConnectTimeout={math.ceil(usual.tcp)}")
    words += _option(f"ServerAliveInterval={math.ceil(usual.keepalive)}")
    words += _option(f"ServerAliveCountMax={usual.keepalive_count}")
    words += ["--", checked_address(address, known.host)]
    patience = usual.dns + usual.tcp + usual.banner + usual.kex + usual.auth + usual.open
    return ProgramTarget(known.host, "ssh", tuple(words), address, patience)


def _option(text: str) -> list[str]:
    return ["-o", text]


def _value(setting: Setting) -> str:
    """A setting's value, as ssh reads it after ``-o``."""
    value = setting.value
    if value is None:
        return "none"
    if isinstance(value, float):
        return str(math.ceil(min(value, LONGEST)))
    if setting.keyword in MANY and isinstance(value, tuple):
        return " ".join(map(_quoted, value)) or "none"
    if setting.keyword in ONE:
        return _quoted(str(value))
    return setting.text


def _quoted(word: str) -> str:
    if _PLAIN.match(word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
