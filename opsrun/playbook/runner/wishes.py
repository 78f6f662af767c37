"""Which connection a task wants: keywords where no variable says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from opsrun.playbook.interfaces import BecomeWish, Templar, Wish
from opsrun.playbook.model.keywords import Keywords
from opsrun.playbook.runner.values import keyword
from opsrun.playbook.variables.layers import Layers

_OF_METHODS = tuple(
    f"ansible_{method}_{what}"
    for method in ("sudo", "su", "doas")
    for what in ("user", "pass", "password", "exe", "flags")
)
CONNECTION_VARIABLES = (
    *("ansible_connection", "ansible_host", "ansible_ssh_host", "ansible_port", "ansible_ssh_port"),
    *("ansible_user", "ansible_ssh_user", "ansible_password", "ansible_ssh_pass"),
    *("ansible_ssh_password", "ansible_private_key_file", "ansible_ssh_private_key_file"),
    *("ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args"),
    *("ansible_timeout", "ansible_ssh_timeout", "ansible_host_key_checking"),
    *("ansible_ssh_host_key_checking", "ansible_paramiko_proxy_command", "ansible_ssh_executable"),
    *("ansible_become", "ansible_become_user", "ansible_become_method", "ansible_become_flags"),
    *("ansible_become_exe", "ansible_become_pass", "ansible_become_password"),
    *("ansible_docker_extra_args", "ansible_docker_timeout", "ansible_podman_timeout"),
    *("ansible_podman_extra_args", "ansible_kubectl_namespace", "ansible_kubectl_container"),
    *("ansible_kubectl_context", "ansible_kubectl_extra_args", "ansible_kubectl_timeout"),
    *("ansible_kubectl_kubeconfig", "ansible_kubectl_pod", "ansible_remote_user"),
    *("ansible_pkcs11_provider", "ansible_ssh_pkcs11_provider"),
    *_OF_METHODS,
)
"""What `opsrun.transports.targets` reads."""
_NAMES = frozenset(CONNECTION_VARIABLES)


@dataclass(frozen=True, slots=True)
class Connecting:
    """A task's connection keywords, rendered."""

    become: bool | None = None
    user: BecomeWish = field(default_factory=BecomeWish)
    connection: str | None = None
    remote_user: str | None = None
    port: int | None = None


def connecting(keywords: Keywords, templar: Templar, truth: Any) -> Connecting:
    """Render the keywords; ``truth`` makes a bool of one. TemplateError; ValueError for a port."""

    def text(name: str) -> str | None:
        found = keyword(keywords, name, templar)
        return None if found is None or found == "" else str(found)

    become = None if keywords.become is None else truth(keyword(keywords, "become", templar))
    port = text("port")
    return Connecting(
        become,
        BecomeWish(
            text("become_user"),
            text("become_method"),
            text("become_flags"),
            text("become_exe"),
        ),
        text("connection"),
        text("remote_user"),
        None if port is None else _port(port),
    )


def _port(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"expected a number, found {text!r:.80}") from None


def wish(
    host: str,
    variables: Mapping[str, Any],
    templar: Templar,
    keywords: Connecting,
    *,
    delegated: bool = False,
) -> Wish:
    """How ``host`` is to be reached.

    Args:
        host: the host itself, or the one that the task is delegated to.
        variables: its raw variables, as the task sees them.
        templar: renders them.
        keywords: see `Connecting`.
        delegated: whether it is a delegate: what the play says of its hosts is not said of it.
    """
    # Few of so many names are variables: they are looked for at once, and rendered in their order.
    there = variables.there(_NAMES) if isinstance(variables, Layers) else variables
    known = {
        name: templar.render(variables[name]) for name in CONNECTION_VARIABLES if name in there
    }
    become = keywords.become
    if "ansible_become" not in known and become is not None:
        known["ansible_become"] = become
    return Wish(
        host,
        known,
        keywords.user if become or "ansible_become" in known else None,
        None if delegated else keywords.connection,
        None if delegated else keywords.remote_user,
        None if delegated else keywords.port,
    )
