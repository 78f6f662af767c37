"""Whether a host is a guest, or has guests, and of what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from opsrun.modules.facts.files import Files
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


def virtualization(answers: Answers, files: Files) -> dict[str, Any]:
    """Type, role and all that was found, guests before hosts."""
    guest = list(dict.fromkeys(_guest(answers, files)))
    host = list(dict.fromkeys(_host(files)))
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


def _guest(answers: Answers, files: Files) -> Iterator[str]:
    found = []
    if files.there("/.dockerenv") or files.there("/.dockerinit"):
        found.append("docker")
    if files.there("/run/.containerenv"):
        found.append("podman")
    cgroup = files.text("/proc/1/cgroup")
    if re.search(r"/docker(/|-[0-9a-f]+\.scope)|/containerd/", cgroup):
        found.append("docker")
    if re.search(r"/(lxc|machine\.slice/machine-lxc)", cgroup):
        found.append("lxc")
    told = answers.text("init.env").partition("=")[2].strip()
    if told:
        found.append(_CONTAINERS.get(told, told))
    yield from found
    if found:
        yield "container"
    if files.there("/proc/vz") and not files.there("/proc/lxc") and not files.there("/proc/bc"):
        yield "openvz"
    if files.there("/proc/xen") and "control_d" not in files.text("/proc/xen/capabilities"):
        yield "xen"
    words = " ".join(
        files.value(f"/sys/devices/virtual/dmi/id/{name}")
        for name in ("sys_vendor", "product_name", "bios_vendor")
    )
    for pattern, kind in _MACHINES:
        if re.search(pattern, words):
            yield kind
            return
    detected = answers.text("detected").strip()
    if detected in ("kvm", "qemu", "amazon"):
        yield "kvm"


def _host(files: Files) -> Iterator[str]:
    modules = {line.split(" ", 1)[0] for line in files.text("/proc/modules").splitlines()}
    if files.there("/dev/kvm") or "kvm" in modules:
        yield "kvm"
    if "control_d" in files.text("/proc/xen/capabilities"):
        yield "xen"
    if "vboxdrv" in modules:
        yield "virtualbox"
    if files.there("/proc/vz") and files.there("/proc/bc"):
        yield "openvz"
