"""The system's sshd as a lab's hosts: one process a host, or one for sixteen hosts when shared.

Runs as root and as anybody else (who then can log in as nobody but themselves). See sshd(8),
sshd_config(5).
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from opsrun.lab.folder import Folder, write_private
from opsrun.lab.launch import SEARCH_PATH, Launch, Plan, dying_with_us
from opsrun.lab.layout import LabHost
from opsrun.lab.process import TAG

_LISTEN_MAX = 16
"""OpenSSH's MAX_LISTEN_SOCKS: as many addresses can one sshd listen on."""

_SETTINGS = """\
AuthorizedKeysFile "{folder.authorized_keys}"
HostKey "{host_key}"
Port {port}
PidFile none
StrictModes no
UsePAM {pam}
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PermitUserRC no
MaxStartups 1000:30:2000
UseDNS no
X11Forwarding no
PrintMotd no
LogLevel VERBOSE
Subsystem sftp internal-sftp
"""


def find_sshd() -> str | None:
    """The system's sshd, looked for on PATH and in the sbin directories."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), SEARCH_PATH])
    return shutil.which("sshd", path=path)


def obstacle() -> str | None:
    """Why no sshd can serve the account that we run as; None when nothing is in the way."""
    if find_sshd() is None:
        return "there is no sshd (Debian: apt-get install openssh-server)"
    try:
        account = pwd.getpwuid(os.geteuid())
    except KeyError:
        return f"user id {os.geteuid()} has no name, and sshd lets nobody in without"
    shell = account.pw_shell or "/bin/sh"
    if not os.access(shell, os.X_OK) or Path(shell).name in ("nologin", "false"):
        return f"the login shell of {account.pw_name} is {shell}, which runs no commands"
    return None


def _root_is_locked() -> bool:
    """Whether sshd would refuse root without PAM, as it does for an account that is locked."""
    try:
        lines = Path("/etc/shadow").read_text().splitlines()
    except OSError:
        return False
    return any(line.startswith("root:!") for line in lines)


def _quietly(*command: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)


def version_of(binary: str) -> str:
    """What this sshd calls itself, ``OpenSSH_9.2``; plain ``sshd`` if it doesn't say."""
    asked = _quietly(binary, "-V")
    # A release that has no -V answers it as it does any unknown option: version, then usage.
    found = re.search(r"OpenSSH_\S+", (asked.stderr + asked.stdout).decode(errors="replace"))
    return found[0].rstrip(",") if found else "sshd"


def _has_penalties(version: str) -> bool:
    found = re.match(r"OpenSSH_(\d+)\.(\d+)", version)
    return found is not None and (int(found[1]), int(found[2])) >= (9, 8)


@dataclass(frozen=True, slots=True)
class OpenSSH:
    """sshd, with further lines for its configuration that win over ours."""

    binary: str
    version: str
    options: tuple[str, ...] = ()
    kind: str = "sshd"

    @classmethod
    def of_system(cls, options: Sequence[str] = ()) -> OpenSSH:
        """The sshd of this machine; `obstacle` has been asked before."""
        binary = find_sshd()
        assert binary is not None
        return cls(binary, version_of(binary), tuple(options))

    def launches(self, plan: Plan) -> Sequence[Launch]:
        """Write each server's configuration, and say how it is started."""
        if os.geteuid() == 0 and Path("/run").is_dir():
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        step = _LISTEN_MAX if plan.shared else 1
        renaming = not plan.shared and can_rename_hosts()
        return [
            self._launch(plan, plan.hosts[first : first + step], renaming)
            for first in range(0, len(plan.hosts), step)
        ]

    def _launch(self, plan: Plan, hosts: tuple[LabHost, ...], renaming: bool) -> Launch:
        name = hosts[0].name
        config = plan.folder.config(name)
        write_private(config, self._config(plan, hosts))
        prefix = [*dying_with_us(plan.tied), *_renamed(name, renaming)]
        return Launch(
            hosts=tuple(host.name for host in hosts),
            argv=(*prefix, self.binary, "-D", "-e", "-f", str(config)),
            # sshd writes its title over the environment: this much leaves room for the path.
            env={TAG: plan.lab_id, "PATH": SEARCH_PATH, "LC_ALL": "C"},
            log=plan.folder.log(name),
        )

    def _config(self, plan: Plan, hosts: Sequence[LabHost]) -> str:
        # The first value of a keyword counts, and nothing may follow a Match block but its own.
        first_match = next(
            (at for at, line in enumerate(self.options) if line.lower().startswith("match ")),
            len(self.options),
        )
        lines = [
            *self.options[:first_match],
            _SETTINGS.format(
                folder=plan.folder,
                host_key=plan.folder.host_key(hosts[0].name),
                port=hosts[0].port,
                pam="yes" if os.geteuid() == 0 and _root_is_locked() else "no",
            ).rstrip(),
            # This one adds to those before it, where all others count once.
            *(() if _names("acceptenv", self.options) else ("AcceptEnv LANG LC_*",)),
            *(f"ListenAddress {host.address}" for host in hosts),
        ]
        if _has_penalties(self.version):
            lines.append("PerSourcePenalties no")
        lines += self.options[first_match:]
        for host in hosts:
            lines += [
                f"Match LocalAddress {host.address}",
                f"    SetEnv {_session_env(plan.folder, plan.lab_id, host.name)}",
            ]
        return "\n".join(lines) + "\n"


def _names(keyword: str, options: Sequence[str]) -> bool:
    return any(option.lower().split()[:1] == [keyword] for option in options)


def _session_env(folder: Folder, lab_id: str, host: str) -> str:
    return f'{TAG}={lab_id} OPSRUN_HOST={host} "HOME={folder.home(host)}"'


def can_rename_hosts() -> bool:
    """Whether a server can be given a host name of its own: a UTS namespace (root only)."""
    unshare = shutil.which("unshare", path=SEARCH_PATH)
    if unshare is None or os.geteuid() != 0 or not shutil.which("hostname", path=SEARCH_PATH):
        return False
    return _quietly(unshare, "--uts", "--", "hostname", "opsrun-lab").returncode == 0


def _renamed(name: str, renaming: bool) -> list[str]:
    unshare = shutil.which("unshare", path=SEARCH_PATH) if renaming else None
    if unshare is None:
        return []
    return [unshare, "--uts", "--", "/bin/sh", "-c", 'hostname "$0"; exec "$@"', name]
