"""What tasks can read of how their host is reached, where no variable says it."""

from __future__ import annotations

from typing import Any

from opsrun.playbook.model.nodes import Task
from opsrun.playbook.variables.settings import RunSettings


def reached(task: Task, host: str, settings: RunSettings, *, delegated: bool = False) -> Any:
    """Raw variables, weaker than all others. Ansible 2.18 has them for tasks alone, and
    ``hostvars`` shows none of them.

    Args:
        task: its keywords say something of the connection.
        host: the task's, or the delegate.
        settings: of the run.
        delegated: what the play says of its hosts is not said of a delegate.
    """
    kind = None if delegated else task.keywords.connection or settings.connection
    found = {"ansible_host": host, "ansible_ssh_host": host, "ansible_connection": kind or "ssh"}
    user = task.keywords.remote_user
    return found if user is None else {**found, "ansible_user": user, "ansible_ssh_user": user}
