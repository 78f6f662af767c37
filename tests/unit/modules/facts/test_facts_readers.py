"""Facts from what a host's tools print."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.module_host import module_host

from opsrun.modules.base import ModuleError
from opsrun.modules.facts import hardware, system
from opsrun.modules.facts.network import network
from opsrun.modules.facts.virtual import virtualization
from opsrun.modules.looking import Answers
from opsrun.modules.setup import gathered, parts_of
from opsrun.remote.command import CommandResult


def answers(**values: str) -> Answers:
    pairs = (part for key, value in values.items() for part in (key, value))
    return Answers(
        CommandResult(
            0, stdout="".join(f"{each}\0" for each in pairs).encode("utf-8", "surrogatepass")
        )
    )


LINKS = (
    "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN "
    "\\    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n"
    "2: eth0.5@eth0: <BROADCAST,MULTICAST,UP> mtu 1400 qdisc mq state UP "
    "\\    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff\n"
)
ADDRESSES = (
    "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever\n"
    "2: eth0.5    inet 192.0.2.7/24 brd 192.0.2.255 scope global eth0.5\\ valid_lft forever\n"
    "2: eth0.5    inet 192.0.2.8/24 scope global secondary eth0.5\\ valid_lft forever\n"
    "2: eth0.5    inet6 2001:db8::7/64 scope global \\ valid_lft forever\n"
)
ROUTE = "8.8.8.8 via 192.0.2.1 dev eth0.5 src 192.0.2.7 uid 0 \\    cache\n"


def test_network() -> None:
    found = network(answers(link=LINKS, addr=ADDRESSES, route4=ROUTE, route6=""))
    assert found["interfaces"] == ["lo", "eth0.5"]
    assert found["all_ipv4_addresses"] == ["192.0.2.7", "192.0.2.8"]
    assert found["all_ipv6_addresses"] == ["2001:db8::7"]
    default = found["default_ipv4"]
    assert default["gateway"] == "192.0.2.1"
    assert (default["interface"], default["netmask"]) == ("eth0.5", "255.255.255.0")
    assert default["macaddress"] == "02:00:00:00:00:01"
    assert found["default_ipv6"] == {}
    assert found["eth0_5"]["ipv4_secondaries"][0]["address"] == "192.0.2.8"
    assert found["lo"]["ipv4"]["network"] == "127.0.0.0"


def test_processors_and_memory() -> None:
    one = "processor : {n}\nvendor_id : V\nmodel name : M\n"
    one += "physical id : 0\nsiblings : 4\ncpu cores : 2\n"
    cpuinfo = "".join(one.format(n=n) for n in range(4))
    found = hardware.processors(answers(cpuinfo=cpuinfo, nproc="4"))
    assert found["processor_count"] == 1
    assert found["processor_cores"] == 2
    assert found["processor_threads_per_core"] == 2
    assert found["processor_vcpus"] == 4
    told = hardware.memory(answers(meminfo="MemTotal: 2097152 kB\nMemFree: 1048576 kB\n"))
    assert (told["memtotal_mb"], told["memory_mb"]["real"]["used"]) == (2048, 1024)


def test_mounts_with_odd_names() -> None:
    mtab = "/dev/sda1 /a\\040b ext4 rw,relatime 0 1\nproc /proc proc rw 0 0\nh:/x /n nfs rw 0 0\n"
    df = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda1 100 40 60 40% /a b\n"
    first, second = hardware.mounts(answers(mtab=mtab, df=df))
    assert (first["mount"], first["size_total"], first["size_available"]) == ("/a b", 102400, 61440)
    assert (second["device"], "size_total" in second) == ("h:/x", False)


def test_the_clock_stands_in_the_hosts_zone() -> None:
    told = system.date_time(answers(date="1577836800 +0130 XYZ 123456789"))
    assert (told["date"], told["time"], told["tz_offset"]) == ("2020-01-01", "01:30:00", "+0130")
    assert told["iso8601_micro"] == "2020-01-01T00:00:00.123456Z"
    assert system.date_time(answers(date="N")) == {}


@pytest.mark.parametrize(
    ("told", "manager"),
    [
        ({"comm": "systemd"}, "systemd"),
        ({"comm": "init", "systemd": "y"}, "systemd"),
        ({"comm": "init", "manager": "rc-service"}, "openrc"),
        ({"comm": "init"}, "sysvinit"),
        ({"comm": "/sbin/runit"}, "runit"),
    ],
)
def test_service_managers(told: dict[str, str], manager: str) -> None:
    assert system.service_manager(answers(**told)) == manager


def test_package_managers_of_the_family_come_first() -> None:
    assert system.package_manager(answers(tool="dnf"), "Debian") == "dnf"
    both = Answers(CommandResult(0, stdout=b"tool\0apt-get\0tool\0dnf\0"))
    assert system.package_manager(both, "RedHat") == "dnf"
    assert system.package_manager(both, "Debian") == "apt"
    assert system.package_manager(answers(), "Debian") == "unknown"


def test_virtualization() -> None:
    assert virtualization(answers(container="docker"))["virtualization_type"] == "docker"
    kvm = virtualization(answers(**{"dmi.sys_vendor": "QEMU", "kvm": "y"}))
    assert (kvm["virtualization_type"], kvm["virtualization_role"]) == ("kvm", "guest")
    assert kvm["virtualization_tech_host"] == ["kvm"]
    assert virtualization(answers())["virtualization_type"] == "NA"


def test_environment_and_own_facts() -> None:
    assert system.environment("A=1\nB=x\ny\nC=") == {"A": "1", "B": "x\ny", "C": ""}
    own = system.own_facts({"a": '{"x": 1}', "b": "[s]\nk = v\n", "c": "nonsense"})
    assert own["a"] == {"x": 1}
    assert own["b"] == {"s": {"k": "v"}}
    assert "error" in own["c"]


ASKED = ("cpuinfo", "meminfo", "link", "addr", "route4", "date", "who", "passwd", "python", "mtab")
ASKED += ("df", "resolv", "cmdline", "os-release", "uptime", "loadavg", "nproc", "local.a", "env")
SAID = st.text("0123456789.:/|=-+ \n\t²abc<>#\"'\\\\{}[]²٣", max_size=60)


@given(st.lists(SAID | st.text(max_size=20), min_size=len(ASKED), max_size=len(ASKED)))
def test_whatever_a_host_says_is_no_error_of_ours(values: list[str]) -> None:
    told = answers(**{k: v.replace("\0", "") for k, v in zip(ASKED, values, strict=True)})
    dict(gathered(told, {"min", "hardware", "virtual", "network"}))


@pytest.mark.parametrize(
    ("subsets", "parts"),
    [
        (("all",), {"min", "hardware", "virtual", "network"}),
        (("!all",), {"min"}),
        (("!all", "!min"), set()),
        (("min",), {"min"}),
        (("network",), {"min", "network"}),
        (("!hardware",), {"min", "virtual", "network"}),
        (("!all", "!min", "network"), {"network"}),
        (("!all,network",), {"min", "network"}),
    ],
)
def test_subsets(subsets: tuple[str, ...], parts: set[str]) -> None:
    assert parts_of(subsets) == parts


def test_an_unknown_subset_names_the_nearest() -> None:
    with pytest.raises(ModuleError, match="did you mean 'network'"):
        parts_of(("netwrok",))


def test_a_filter_and_own_facts_on_a_host(tmp_path: Path) -> None:
    (tmp_path / "a.fact").write_text('{"x": 1}')
    program = tmp_path / "b.fact"
    program.write_text("#!/bin/sh\necho '{\"y\": 2}'\n")
    program.chmod(0o755)
    with module_host(tmp_path) as host:
        told = host.run(
            "setup", {"filter": ["ansible_local", "user_*"], "fact_path": str(tmp_path)}
        )
        facts = told["ansible_facts"]
        assert facts["ansible_local"] == {"a": {"x": 1}, "b": {"y": 2}}
        assert set(facts) >= {"ansible_user_id", "ansible_user_dir"}
        assert all(name.startswith(("ansible_local", "ansible_user")) for name in facts)


def test_devices() -> None:
    told = {
        "block.sda": "size=2097152\nremovable=0\nrotational=1\nlogical_block_size=4096\n"
        "scheduler=none [mq-deadline]\nmodel=DISK 9  \npath=../devices/pci0/sda\n",
        "part.sda/sda1": "size=2048\nstart=2048\nholder=dm-0\n",
        "block.loop0": "size=0\npath=../devices/virtual/block/loop0\n",
        "disk.uuid/1234-ABCD": "../../sda1",
        "disk.id/ata-DISK": "../../sda",
    }
    found = hardware.devices(answers(**told))
    disk = found["sda"]
    assert (disk["size"], disk["sectors"], disk["sectorsize"]) == ("1.00 GB", 2097152, "4096")
    assert (disk["model"], disk["vendor"], disk["rotational"]) == ("DISK 9", None, "1")
    assert (disk["scheduler_mode"], disk["virtual"]) == ("mq-deadline", 0)
    assert disk["links"]["ids"] == ["ata-DISK"]
    [(name, part)] = disk["partitions"].items()
    assert (name, part["size"], part["start"], part["sectorsize"]) == (
        "sda1",
        "1.00 MB",
        "2048",
        4096,
    )
    assert (part["uuid"], part["holders"]) == ("1234-ABCD", ["dm-0"])
    assert (found["loop0"]["size"], found["loop0"]["virtual"]) == ("0.00 Bytes", 1)
    assert found["loop0"]["partitions"] == {}
