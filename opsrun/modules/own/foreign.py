"""Modules that can't run here as they are: Ansible's Python, and Windows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from opsrun.modules.base import Context, Module, ModuleError, Steps
from opsrun.modules.options import module, others


class Foreign(Module):
    """What all of them have in common; `foreign_class` makes one of a file."""

    path: ClassVar[str] = ""
    arguments: Mapping[str, Any]

    def steps(self, context: Context) -> Steps:
        """Nothing: says why."""
        yield from ()
        raise ModuleError(self.why())

    @classmethod
    @abstractmethod
    def why(cls) -> str:
        """Why it can't run."""


class AnsiblePython(Foreign):
    """Python that builds on Ansible's own."""

    @classmethod
    def why(cls) -> str:
        """See `Foreign.why`."""
        where = f" ({cls.path})" if cls.path else ""
        return (
            f"{cls.name}{where} is written for Ansible's own Python, which is not sent to "
            "hosts from here; where ansible-core is installed on this machine, --bridge has it do "
            "such tasks"
        )


class Windows(Foreign):
    """PowerShell, or a program of Windows'."""

    @classmethod
    def why(cls) -> str:
        """See `Foreign.why`."""
        return f"{cls.name} ({cls.path}) is for Windows, and opsrun's hosts have /bin/sh"


def foreign_class(name: str, path: str, base: type[Foreign]) -> type[Module]:
    """The module that such a file is: `AnsiblePython` or `Windows`."""

    @module(name)
    class Own(base):  # type: ignore[misc, valid-type]
        """A module that is not opsrun's, and is not run by it."""

        arguments: Mapping[str, Any] = others()

    Own.path = path
    made: type[Module] = Own
    return made
