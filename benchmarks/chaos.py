"""One run on many hosts of which a third misbehave: is every verdict right, and in time?

Starts a lab of real SSH servers on loopback, and beside it servers that refuse, stay silent, drip,
lie about lengths, reset and so on, at addresses of their own. What opsrun has to say of each host
is known beforehand. Exit status 1 if a verdict is wrong, if the run took longer than its slowest
deadline and a fifth, or if a thread, greenlet, descriptor or process is left behind.

The deadline grows with the number of hosts: all log in at once, and share this machine's processors
with the servers, so that the last one's time begins when many logins are over already.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paramiko
from harness.faults import BY_NAME, FAULTS, Verdict

from opsrun.lab import Lab, LabHost
from opsrun.lab.layout import place

_HERE = Path(__file__).resolve().parent
_SLACK = 1.2
_GOOD = "good"


@dataclass(frozen=True)
class Scene:
    """Who takes part, and what each of them does."""

    lab: Lab
    folder: Path
    faults: Mapping[str, str]
    """Fault of each host, or ``good``."""
    evil: tuple[LabHost, ...]
    deadline: float
    """Seconds for each phase up to the login; the slowest of all deadlines."""
    pause: str
    """What ``sleep`` is given: a number that no other process on this machine has."""

    @property
    def command(self) -> str:
        """What all hosts run: some of the real ones die of it, or hang."""
        return (
            "set -- $SSH_CONNECTION; case $3 in "
            f"{self._addresses('killed')}) kill -9 $$;; "
            f"{self._addresses('hangs')}) sleep {self.pause};; "
            "*) printf %s $3;; esac"
        )

    def _addresses(self, fault: str) -> str:
        found = [host.address for host in self.lab.hosts if self.faults[host.name] == fault]
        return "|".join(found) or "none"

    @property
    def spec(self) -> dict[str, Any]:
        """What the client is told."""
        good = next(host.name for host in self.lab.hosts if self.faults[host.name] == _GOOD)
        return {
            "inventory": [str(self.lab.inventory), str(self.folder / "evil.ini")],
            "forks": len(self.faults),
            "connect": self.deadline,
            # Less for exec than for the command: a request without an answer is to be told as one.
            "phases": {"auth": self.deadline, "open": self.deadline, "exec": self.deadline / 4},
            "timeout": self.deadline / 3,
            "warm": good,
            "command": self.command,
        }

    def verdict(self, host: str) -> Verdict:
        """What has to come of a host."""
        fault = self.faults[host]
        if fault != _GOOD:
            return BY_NAME[fault].verdict
        address = next(each.address for each in self.lab.hosts if each.name == host)
        return Verdict("ok", stdout=address)


def main() -> int:
    options = parse()
    with tempfile.TemporaryDirectory(prefix="opsrun-chaos-") as name:
        folder = Path(name)
        evil, real = cast(options.hosts)
        with Lab(folder / "lab", hosts=len(real), shared=True, server=options.server) as lab:
            scene = stage(lab, folder, evil, real, options.deadline or 5 + 0.08 * options.hosts)
            with evil_servers(scene):
                answer = run(scene)
            lost = mentioning(scene.pause)
            return report(scene, answer, lost)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--hosts", type=int, default=1000, metavar="N", help="in all; a third misbehave")
    add("--deadline", type=float, metavar="SECONDS", help="for each phase; 5 and 0.08 a host")
    add("--server", choices=["auto", "sshd"], default="auto", help="what the good hosts run")
    options = parser.parse_args()
    if options.hosts < 3 * len(FAULTS):
        parser.error(f"--hosts: at least {3 * len(FAULTS)}, so that every fault has a host")
    return options


def cast(hosts: int) -> tuple[list[str], list[str]]:
    """Faults of the hosts that are servers of ours, and of those that are the lab's."""
    chosen = [FAULTS[number % len(FAULTS)] for number in range(hosts // 3)]
    evil = [fault.name for fault in chosen if not fault.real]
    real = [fault.name for fault in chosen if fault.real]
    return evil, real + [_GOOD] * (hosts - len(chosen))


def stage(lab: Lab, folder: Path, evil: list[str], real: list[str], deadline: float) -> Scene:
    """Give everybody a place, and write the files that the client reads."""
    names = [f"evil{number:04d}" for number in range(len(evil))]
    hosts = place(names)
    shuffled = random.Random(0).sample(real, len(real))
    faults = dict(zip(names, evil, strict=True))
    faults |= dict(zip((host.name for host in lab.hosts), shuffled, strict=True))
    pause = f"600.{random.SystemRandom().randrange(10**11, 10**12)}"
    scene = Scene(lab, folder, faults, hosts, deadline, pause)
    _write_files(scene)
    return scene


def _write_files(scene: Scene) -> None:
    ours, other = paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate()
    ours.write_private_key_file(str(scene.folder / "key"))
    known, inventory = [], ["[evil]"]
    for host in scene.evil:
        key = other if scene.faults[host.name] == "stranger" else ours
        known.append(f"[{host.address}]:{host.port} {key.get_name()} {key.get_base64()}")
        inventory.append(f"{host.name} ansible_host={host.address} ansible_port={host.port}")
    files = scene.folder / "known_hosts"
    inventory += [
        "[evil:vars]",
        f"ansible_user={scene.lab.user}",
        f"ansible_ssh_private_key_file={scene.lab.private_key}",
        f"ansible_ssh_common_args=-o UserKnownHostsFile={files} -o IdentitiesOnly=yes",
    ]
    files.write_text("\n".join(known) + "\n")
    (scene.folder / "evil.ini").write_text("\n".join(inventory) + "\n")


@contextmanager
def evil_servers(scene: Scene) -> Iterator[None]:
    """The misbehaving servers, in one process, while the block runs."""
    faults = {host.address: scene.faults[host.name] for host in scene.evil}
    spec = {
        "port": scene.evil[0].port,
        "key": str(scene.folder / "key"),
        "hosts": {each: fault for each, fault in faults.items() if fault != "refused"},
    }
    with subprocess.Popen(
        _module("chaos_server"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_HERE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(spec).encode() + b"\n")
            process.stdin.flush()
            if not process.stdout.readline():
                sys.exit("chaos.py: the misbehaving servers did not start")
            yield
        finally:
            process.kill()


def run(scene: Scene) -> dict[str, Any]:
    """The run itself; what the client tells of it."""
    done = subprocess.run(
        _module("chaos_client"),
        input=json.dumps(scene.spec).encode(),
        stdout=subprocess.PIPE,
        cwd=_HERE,
        check=False,
        timeout=60 + 6 * scene.deadline,
    )
    if done.returncode:
        sys.exit(f"chaos.py: the run ended with {done.returncode}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _module(name: str) -> list[str]:
    return [sys.executable, "-m", f"harness.{name}"]


def mentioning(text: str) -> int:
    """How many processes of this machine have a text in their command line."""
    found = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                found += text.encode() in (entry / "cmdline").read_bytes()
            except OSError:
                continue
    return found


def report(scene: Scene, answer: dict[str, Any], lost: int) -> int:
    """Print the table; the exit status."""
    results, slowest = answer["results"], scene.deadline
    wrong = {
        host: scene.verdict(host).differs(results[host]) if host in results else "no result"
        for host in scene.faults
    }
    wrong = {host: words for host, words in wrong.items() if words}
    print(f"# {len(scene.faults):,} hosts, {len(scene.evil)} of them servers that misbehave\n")
    print("| hosts | what they do | outcome | phase | right | slowest, s |")
    print("| ---: | --- | --- | --- | ---: | ---: |")
    for row in _rows(scene, results, wrong):
        print(row)
    limit = slowest * _SLACK
    kept = {kind: answer["after"][kind] - count for kind, count in answer["before"].items()}
    left = {kind: count for kind, count in kept.items() if count > 0}
    print(f"\n- right verdicts: {len(scene.faults) - len(wrong):,} of {len(scene.faults):,}")
    print(f"- wall: {answer['wall']:.1f} s; slowest deadline {slowest:.1f} s, limit {limit:.1f} s")
    print(f"- the last host was started after {answer['ramp']:.1f} s")
    print(f"- processor time {answer['cpu']:.1f} s, peak memory {answer['peak_kb'] / 1024:.0f} MiB")
    print(f"- in the process before the run: {_counts(answer['before'])}")
    print(f"- left behind by it: {_counts(left)}; commands still running on hosts: {lost}")
    for host, words in list(wrong.items())[:20]:
        message = results.get(host, {}).get("message", "")
        print(f"- wrong: {host} ({scene.faults[host]}): {words} {message}")
    return int(bool(wrong or left or lost) or answer["wall"] > limit)


def _rows(scene: Scene, results: dict[str, Any], wrong: Mapping[str, str]) -> Iterator[str]:
    right = Counter(fault for host, fault in scene.faults.items() if host not in wrong)
    everybody = Counter(scene.faults.values())
    words = {_GOOD: "what they are told", **{fault.name: fault.words for fault in FAULTS}}
    verdicts = {_GOOD: Verdict("ok"), **{fault.name: fault.verdict for fault in FAULTS}}
    for name, text in words.items():
        verdict, durations = (
            verdicts[name],
            [
                results[host]["duration"]
                for host, fault in scene.faults.items()
                if fault == name and host in results
            ],
        )
        phase = verdict.phase or (f"SIG{verdict.signal}" if verdict.signal else "")
        yield (
            f"| {everybody[name]} | {text} | {verdict.outcome} | {phase} | {right[name]} "
            f"| {max(durations, default=0):.1f} |"
        )


def _counts(left: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in left.items()) or "nothing"


if __name__ == "__main__":
    sys.exit(main())
