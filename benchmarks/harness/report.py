"""``results/exec.md``: every figure, and what it takes to judge it."""

from __future__ import annotations

import datetime
from importlib.metadata import version

from harness import machine
from harness.environments import version_of
from harness.session import Session
from harness.tables import CPU_RATIO, KB_A_HOST, WALL_RATIO, group, scenario_table, targets

_READING = """\
Medians of runs that alternate between the contestants; in brackets the quickest and the slowest;
ratios are medians of the ratios of runs that followed each other. *client CPU* is user and system
time of the tool and all processes that it starts. *peak MB* is the largest process, *all
processes MB* the sum over all of them at one moment with shared pages counted once (sampled).
*KB/host* is what a host adds to the peak of a run on one host. *failed* counts hosts whose
reported result was not the right one, over all runs; the servers' logs are asked, too, how many
commands they started. Servers and client share the processors, so walls are mostly the servers'
time. Each tool is set up as its users have it; `-f` is the same for all that can take it; † marks
where it didn't bound the commands that ran at once.
"""


def render(session: Session, date: datetime.date, command: str) -> str:
    """The whole page."""
    parts = [
        "# `opsrun exec` beside other tools\n",
        f"{date.isoformat()} · {machine.describe()} · server {session.server} · "
        f"load average {session.load:.1f} before it began\n\n`{command}`\n",
        _contestants(session),
        _READING,
    ]
    if goals := targets(session.rows):
        parts.append(
            "## Targets\n\n"
            f"At most {CPU_RATIO} times the floor's client CPU, {WALL_RATIO} times its wall, "
            f"{KB_A_HOST:.0f} KB a host, no failure, and no peer ahead on wall.\n\n{goals}"
        )
    for rows in group(session.rows):
        parts.append(f"## {rows[0].scenario}\n\n{scenario_table(rows)}")
    if session.start_table:
        parts.append(f"## Start-up\n\n{session.start_table}")
    if remarks := _remarks(session):
        parts.append("## Remarks\n\n" + "".join(f"- {remark}\n" for remark in remarks))
    return "\n".join(parts)


def _remarks(session: Session) -> list[str]:
    return [
        *session.notes,
        *session.skipped,
        *(remark for row in session.rows for remark in row.remarks),
    ]


def _contestants(session: Session) -> str:
    lines = []
    for each in session.contestants:
        if each.distribution:
            label = f"{each.distribution} {version_of(session.python(each), each.distribution)}"
        elif each.name.startswith("opsrun"):
            label = f"opsrun {version('opsrun')}"
        else:
            label = f"paramiko {version('paramiko')}, gevent {version('gevent')}"
        if "ssh(1)" in each.about:
            label += f", {machine.ssh_version()}"
        lines.append(f"- **{each.name}**: {each.about} ({label})\n")
    return "".join(lines)
