"""Whether a host is a guest, or has guests, and of what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from opsrun.modules.looking import Answers

_CONTAINERS = {"docker": "docker", "podman": "podman", "lxc": "lxc", "lxc-libvirt": "lxc"}
_CONTAINERS |= {"systemd-nspawn": "systemd-nspawn", "oci": "container"}
_MACHINES = (
    (r"KVM|QEMU|Bochs|RHEV|oVirt|OpenStack|Google Compute|Amazon EC2|DigitalOcean|Nutanix", "kvm"),
    (r"VMware", "VMware"),
    (r"VirtualBox|innotek", "virtualbox"),
    (r"Microsoft Corporation.*Virtual|Hyper-V", "VirtualPC"),
    (r"Xen", "xen"),
    (r"Parallels", "parallels"),
    (r"Apple Virtualization", "apple"),
)


def virtualization(answers: Answers) -> dict[str, Any]:
    """Type, role and all that was found, guests before hosts."""
    guest = list(dict.fromkeys(_guest(answers)))
    host = list(dict.fromkeys(_host(answers)))
    kind, role = ("NA", "NA")
    if guest:
        kind, role = guest[0], "guest"
    elif host:
        kind, role = host[0], "host"
    return {
        "virtualization_type": kind,
        "virtualization_role": role,
        "virtualization_tech_guest": guest,
        "virtualization_tech_host": host,
    }


def _guest(answers: Answers) -> Iterator[str]:
    found = [*answers.every("container")]
    cgroup = answers.text("cgroup")
    if re.search(r"/docker(/|-[0-9a-f]+\.scope)|/containerd/", cgroup):
        found.append("docker")
    if re.search(r"/(lxc|machine\.slice/machine-lxc)", cgroup):
        found.append("lxc")
    told = answers.text("init.env").partition("=")[2].strip()
    if told:
        found.append(_CONTAINERS.get(told, told))
    yield from (_CONTAINERS.get(each, each) for each in found)
    if found:
        yield "container"
    if answers.get("xen") is not None:
        yield "xen"
    words = " ".join(
        answers.text(f"dmi.{name}") for name in ("sys_vendor", "product_name", "bios_vendor")
    )
    for pattern, kind in _MACHINES:
        if re.search(pattern, words):
            yield kind
            return
    detected = answers.text("detected").strip()
    if detected in ("kvm", "qemu", "amazon"):
        yield "kvm"


def _host(answers: Answers) -> Iterator[str]:
    modules = set(answers.text("modules").split())
    if answers.get("kvm") is not None or "kvm" in modules:
        yield "kvm"
    if "vboxdrv" in modules:
        yield "virtualbox"
