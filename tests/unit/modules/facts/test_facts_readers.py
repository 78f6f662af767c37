"""Facts from what a host's tools print."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.module_cases import CASES
from support.module_host import module_host

from opsrun.modules.base import ModuleError
from opsrun.modules.facts import hardware, oldnet, other, storage, system
from opsrun.modules.facts.files import Files
from opsrun.modules.facts.gathering import gathered
from opsrun.modules.facts.network import network
from opsrun.modules.facts.own import own_facts
from opsrun.modules.facts.subsets import Subsets
from opsrun.modules.facts.virtual import virtualization
from opsrun.modules.looking import Answers
from opsrun.remote.command import CommandResult


def answers(**values: str) -> Answers:
    pairs = (part for key, value in values.items() for part in (key, value))
    return Answers(
        CommandResult(
            0, stdout="".join(f"{each}\0" for each in pairs).encode("utf-8", "surrogatepass")
        )
    )


def files(texts: dict[str, str] | None = None, links: dict[str, str] | None = None) -> Files:
    told = [f"{k}:{line}" for k, v in (texts or {}).items() for line in v.splitlines() or [""]]
    shown = [f"lrwxrwxrwx 1 root root 9 Nov 23 17:32 {k} -> {v}" for k, v in (links or {}).items()]
    return Files("\n".join(told), "\n".join(shown))


ADDRESSES = """\
1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    inet 127.0.0.1/8 scope host lo
       valid_lft forever preferred_lft forever
2: eth0.5@eth0: <BROADCAST,MULTICAST,UP> mtu 1400 qdisc mq state UP group default
    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff
    inet 192.0.2.7/24 brd 192.0.2.255 scope global eth0.5
       valid_lft forever preferred_lft forever
    inet 192.0.2.8/24 scope global secondary eth0.5
    inet 10.9.0.1 peer 10.9.0.2/32 scope global eth0.5
    inet6 2001:db8::7/64 scope global
"""
ROUTE = "8.8.8.8 via 192.0.2.1 dev eth0.5 src 192.0.2.7 uid 0 \\    cache\n"


def test_network() -> None:
    told = answers(addr=ADDRESSES, route4=ROUTE, route6="")
    found = network(told, files({"/sys/class/net/eth0.5/speed": "1000"}))
    assert found["interfaces"] == ["lo", "eth0_5"]
    assert found["all_ipv4_addresses"] == ["192.0.2.7", "192.0.2.8", "10.9.0.1"]
    assert found["all_ipv6_addresses"] == ["2001:db8::7"]
    default = found["default_ipv4"]
    assert default["gateway"] == "192.0.2.1"
    assert (default["interface"], default["netmask"]) == ("eth0.5", "255.255.255.0")
    assert default["macaddress"] == "02:00:00:00:00:01"
    assert found["default_ipv6"] == {}
    assert found["eth0_5"]["ipv4_secondaries"][0]["address"] == "192.0.2.8"
    assert found["eth0_5"]["ipv4_secondaries"][1]["netmask"] == "255.255.255.255"
    assert found["eth0_5"]["speed"] == 1000
    assert found["lo"]["ipv4"]["network"] == "127.0.0.0"


def test_bridges_and_bonds() -> None:
    texts = {
        "/sys/class/net/eth0.5/bonding/mode": "active-backup 1",
        "/sys/class/net/eth0.5/bonding/miimon": "100",
        "/sys/class/net/eth0.5/bonding/slaves": "a b",
        "/sys/class/net/eth0.5/bonding/all_slaves_active": "0",
        "/sys/class/net/lo/bridge/bridge_id": "8000.000000000000",
    }
    links = {"/sys/class/net/lo/brif/v1": "../../v1/brport"}
    found = network(answers(addr=ADDRESSES), files(texts, links))
    bond = found["eth0_5"]
    assert (bond["type"], bond["mode"], bond["slaves"]) == ("bonding", "active-backup", ["a", "b"])
    assert (found["lo"]["type"], found["lo"]["interfaces"]) == ("bridge", ["v1"])


NET_TOOLS = """\
eth0: flags=4163<UP,BROADCAST,RUNNING,MULTICAST>  mtu 1500
        inet 192.0.2.7  netmask 255.255.255.0  broadcast 192.0.2.255
        inet6 2001:db8::7  prefixlen 64  scopeid 0x0<global>
        ether 02:00:00:00:00:01  txqueuelen 1000  (Ethernet)

lo: flags=73<UP,LOOPBACK,RUNNING>  mtu 65536
        inet 127.0.0.1  netmask 255.0.0.0
"""
BUSYBOX = """\
eth0      Link encap:Ethernet  HWaddr 02:00:00:00:00:01
          inet addr:192.0.2.7  Bcast:192.0.2.255  Mask:255.255.255.0
          inet6 addr: 2001:db8::7/64 Scope:Global
          UP BROADCAST RUNNING MULTICAST  MTU:1500  Metric:1

lo        Link encap:Local Loopback
          inet addr:127.0.0.1  Mask:255.0.0.0
          UP LOOPBACK RUNNING  MTU:65536  Metric:1
"""
BSD = """\
lo0: flags=8049<UP,LOOPBACK,RUNNING,MULTICAST> metric 0 mtu 16384
\tinet 127.0.0.1 netmask 0xff000000
eth0: flags=8843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST> metric 0 mtu 1500
\tether 02:00:00:00:00:01
\tinet 192.0.2.7 netmask 0xffffff00 broadcast 192.0.2.255
\tinet6 2001:db8::7 prefixlen 64
"""


@pytest.mark.parametrize("told", [NET_TOOLS, BUSYBOX, BSD], ids=["net-tools", "busybox", "BSD"])
def test_ifconfig(told: str) -> None:
    route = "/proc/net/route:Iface\n/proc/net/route:eth0 00000000 010200C0 0003 0 0 0 00000000"
    found = network(answers(ifconfig=told, net=route), files())
    assert found["eth0"] == {
        "device": "eth0",
        "active": True,
        "promisc": False,
        "mtu": 1500,
        "type": "ether",
        "macaddress": "02:00:00:00:00:01",
        "ipv4": {
            "address": "192.0.2.7",
            "broadcast": "192.0.2.255",
            "netmask": "255.255.255.0",
            "network": "192.0.2.0",
            "prefix": "24",
        },
        "ipv6": [{"address": "2001:db8::7", "prefix": "64", "scope": "global"}],
    }
    assert found["default_ipv4"]["gateway"] == "192.0.2.1"
    assert found["default_ipv4"]["address"] == "192.0.2.7"


def test_the_default_route_of_bsd() -> None:
    told = answers(ifconfig=BSD, get4="  gateway: 192.0.2.1\n  interface: eth0\n")
    [four, _] = oldnet.routes(told, files(), oldnet.links(BSD, files()))
    assert four == {"gateway": "192.0.2.1", "interface": "eth0", "address": "192.0.2.7"}


def test_processors_and_memory() -> None:
    one = "processor : {n}\nvendor_id : V\nmodel name : M\n"
    one += "physical id : 0\nsiblings : 4\ncpu cores : 2\n"
    cpuinfo = "".join(one.format(n=n) for n in range(4))
    status = {"/proc/self/status": "Name: x\nCpus_allowed_list:\t0,2-3"}
    found = hardware.processors(answers(cpuinfo=cpuinfo), files(status))
    assert found["processor_count"] == 1
    assert found["processor_cores"] == 2
    assert found["processor_threads_per_core"] == 2
    assert found["processor_vcpus"] == 4
    assert found["processor_nproc"] == 3
    told = hardware.memory(files({"/proc/meminfo": "MemTotal: 2097152 kB\nMemFree: 1048576 kB"}))
    assert (told["memtotal_mb"], told["memory_mb"]["real"]["used"]) == (2048, 1024)


def test_mounts_with_odd_names() -> None:
    mtab = "/dev/sda1 /a\\040b ext4 rw,relatime 0 1\nproc /proc proc rw 0 0\nh:/x /n nfs rw 0 0\n"
    info = "1 2 8:1 /sub /a\\040b rw - ext4 /dev/sda1 rw\n3 2 0:9 / /n rw - nfs h:/x rw"
    told = files({"/proc/self/mounts": mtab, "/proc/self/mountinfo": info})
    first, second = storage.mounts(told, "fs 4096 100 50 40 30 20 /a b\nlate\n", 7)
    assert (first["mount"], first["size_total"], first["size_available"]) == (
        "/a b",
        409600,
        163840,
    )
    assert (first["options"], first["inode_used"]) == ("rw,relatime,bind", 10)
    assert (second["device"], "size_total" in second) == ("h:/x", False)
    assert "7 s" in second["note"]
    assert "note" not in first
    [each] = storage.mounts(
        files({"/proc/self/mounts": "/dev/sda1 / ext4 rw 0 1"}), "/dev/sda1 100 40 60 40% /\n", 7
    )
    assert (each["size_total"], each["size_available"]) == (102400, 61440)


def test_the_clock_stands_in_the_hosts_zone() -> None:
    told = system.date_time(answers(date="1577836800 +0130 XYZ 123456789"), files())
    assert (told["date"], told["time"], told["tz_offset"]) == ("2020-01-01", "01:30:00", "+0130")
    assert told["iso8601_micro"] == "2020-01-01T00:00:00.123456Z"
    assert system.date_time(answers(date="N"), files()) == {}


@pytest.mark.parametrize(
    ("comm", "link", "tool", "manager"),
    [
        ("systemd", "", "", "systemd"),
        ("init", "/lib/systemd/systemd", "", "systemd"),
        ("init", "", "rc-service", "openrc"),
        ("init", "", "", "sysvinit"),
        ("/sbin/runit", "", "", "runit"),
    ],
)
def test_service_managers(comm: str, link: str, tool: str, manager: str) -> None:
    told = files({"/proc/1/comm": comm}, {"/sbin/init": link} if link else {})
    assert system.service_manager(answers(tool=tool), told) == manager


def test_package_managers_of_the_family_come_first() -> None:
    assert system.package_manager(answers(tool="dnf"), "Debian") == "dnf"
    both = Answers(CommandResult(0, stdout=b"tool\0apt-get\0tool\0dnf\0"))
    assert system.package_manager(both, "RedHat") == "dnf"
    assert system.package_manager(both, "Debian") == "apt"
    assert system.package_manager(answers(), "Debian") == "unknown"


def test_virtualization() -> None:
    docker = virtualization(answers(), files(None, {"/.dockerenv": "x"}))
    assert docker["virtualization_type"] == "docker"
    vendor = files({"/sys/devices/virtual/dmi/id/sys_vendor": "QEMU", "/proc/modules": "kvm 1 2"})
    kvm = virtualization(answers(), vendor)
    assert (kvm["virtualization_type"], kvm["virtualization_role"]) == ("kvm", "guest")
    assert kvm["virtualization_tech_host"] == ["kvm"]
    assert virtualization(answers(), files())["virtualization_type"] == "NA"


def test_environment() -> None:
    assert system.environment("A=1\nB=x\ny\nC=") == {"A": "1", "B": "x\ny", "C": ""}


def test_own_facts_that_make_no_sense_say_so() -> None:
    told = {
        "read.a": '{"x": 1}',
        "read.b": "[s]\nK = v\n",
        "read.c": "nonsense",
        "read.d": "[s]\nx = %(y)s\n",
        "ran.e": 'a warning\x010\x01{"y": 2}',
        "ran.f": "oops\n\x013\x01",
        "gone.g": "/f/g.fact",
    }
    own, warnings = own_facts(answers(**told), "/f")
    assert (own["a"], own["b"], own["e"]) == ({"x": 1}, {"s": {"k": "v"}}, {"y": 2})
    assert own["c"].startswith("error loading facts (/f/c.fact): it is neither JSON nor")
    assert "y" in own["d"]
    assert own["d"].startswith("error loading facts as ini (/f/d.fact)")
    words = "Failure executing fact script (/f/f.fact): it ended with status 3: oops"
    assert own["f"] == words
    assert own["g"].startswith("Could not stat fact (/f/g.fact)")
    assert len(warnings) == 4


def test_macs_and_bsds() -> None:
    told = answers(
        swvers="ProductName:\tmacOS\nProductVersion:\t14.5\n",
        sysctl="hw.ncpu: 8\nhw.memsize: 17179869184\nmachdep.cpu.brand_string: M\n"
        "kern.boottime: { sec = 1577836700, usec = 0 } Wed\n",
    )
    mac = other.distribution("Darwin", "23.5.0", told)
    assert (mac["distribution"], mac["distribution_version"], mac["os_family"]) == (
        "MacOSX",
        "14.5",
        "Darwin",
    )
    found = other.hardware(told, other.epoch("1577836800 +0000 UTC N"))
    assert (found["memtotal_mb"], found["processor_vcpus"], found["uptime_seconds"]) == (
        16384,
        8,
        100,
    )
    bsd = other.distribution("FreeBSD", "14.1-RELEASE-p3", answers())
    assert (bsd["distribution_version"], bsd["distribution_release"]) == ("14.1", "14.1-RELEASE-p3")


ASKED = ("cpuinfo", "addr", "route4", "date", "id", "passwd", "python", "slow", "env", "read.a")
ASKED += ("ifconfig", "net", "sysctl", "uname", "lsb", "caps", "files", "links", "ran.b", "get4")
SAID = st.text("0123456789.:/|=-+ \n\t²abc<>#\"'\\{}[]²٣", max_size=60)
LINES = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("/proc/self/mounts", "/proc/meminfo", "/proc/net/route", "/etc/os-release"),
                *("/proc/net/if_inet6", "/proc/net/fib_trie", "/proc/uptime", "/proc/loadavg"),
                *("/sys/block/a/size", "/proc/net/dev", "/proc/self/mountinfo"),
                "/proc/self/status",
            ]
        ),
        SAID,
    ).map(lambda pair: f"{pair[0]}:{pair[1]}"),
    max_size=8,
).map("\n".join)


@given(
    st.lists(SAID | LINES | st.text(max_size=20), min_size=len(ASKED), max_size=len(ASKED)),
    st.booleans(),
)
def test_whatever_a_host_says_is_no_error_of_ours(values: list[str], modern: bool) -> None:
    told = {k: v.replace("\0", "") for k, v in zip(ASKED, values, strict=True)}
    if not modern:
        del told["addr"], told["sysctl"]
    gathered(answers(**told), {"min", "hardware", "virtual", "network"}, "/f", 10)


def _subsets() -> list[tuple[str, list[str]]]:
    rows = (CASES / "setup" / "subsets.tsv").read_text().splitlines()[1:]
    every = {name for row in rows for name in row.split("\t")[1].split()} - {"but", "-"}
    found = []
    for row in rows:
        asked, told = row.split("\t")
        first, *names = told.split()
        brought = every - set(names) if first == "but" else {first, *names} - {"-"}
        found.append((asked, sorted(brought)))
    return found


@pytest.mark.parametrize(("asked", "brought"), _subsets())
def test_subsets(asked: str, brought: list[str]) -> None:
    every = {name: None for _, names in _subsets() for name in names}
    assert sorted(name for name, _ in Subsets.of((asked,)).only(every)) == brought


def test_an_unknown_subset_names_the_nearest() -> None:
    with pytest.raises(ModuleError, match="did you mean 'network'"):
        Subsets.of(("netwrok",))


def test_a_filter_and_own_facts_on_a_host(tmp_path: Path) -> None:
    (tmp_path / "a.fact").write_text('{"x": 1}')
    program = tmp_path / "b.fact"
    program.write_text("#!/bin/sh\necho '{\"y\": 2}'\necho oh >&2\n")
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
    texts = {
        "/sys/block/sda/size": "2097152",
        "/sys/block/sda/removable": "0",
        "/sys/block/sda/queue/rotational": "1",
        "/sys/block/sda/queue/logical_block_size": "4096",
        "/sys/block/sda/queue/scheduler": "none [mq-deadline]",
        "/sys/block/sda/device/model": "DISK 9  ",
        "/sys/block/sda/sda1/partition": "1",
        "/sys/block/sda/sda1/size": "2048",
        "/sys/block/sda/sda1/start": "2048",
        "/sys/block/loop0/size": "0",
    }
    links = {
        "/sys/block/sda": "../devices/pci0/sda",
        "/sys/block/loop0": "../devices/virtual/block/loop0",
        "/sys/block/sda/sda1/holders/dm-0": "../../../dm-0",
        "/sys/block/dm-0/slaves/sda1": "../../sda1",
        "/dev/disk/by-uuid/1234-ABCD": "../../sda1",
        "/dev/disk/by-id/ata-DISK": "../../sda",
    }
    told = files(texts, links)
    found = storage.devices(told)
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
    assert part["links"]["masters"] == ["dm-0"]
    assert (found["loop0"]["size"], found["loop0"]["virtual"]) == ("0.00 Bytes", 1)
    assert found["loop0"]["partitions"] == {}


def test_volumes() -> None:
    told = "vgs,v0,2,1,9.99,1.50\nlvs,root,v0,8.00\npvs,/dev/sda2,v0,9.99,1.50\n"
    found: Any = storage.volumes(told)
    assert found["vgs"]["v0"] == {
        "num_lvs": "2",
        "num_pvs": "1",
        "size_g": "9.99",
        "free_g": "1.50",
    }
    assert found["lvs"]["root"] == {"vg": "v0", "size_g": "8.00"}
    assert found["pvs"]["/dev/sda2"]["free_g"] == "1.50"
    assert storage.volumes("late\n") == "N/A"
