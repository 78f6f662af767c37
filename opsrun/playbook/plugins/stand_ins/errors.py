"""``ansible.errors``: what plugins raise. Their words are for the user."""

from __future__ import annotations

from typing import Any


class AnsibleError(Exception):
    """The ground of all."""

    def __init__(
        self,
        message: Any = "",
        obj: Any = None,
        show_content: bool = True,
        suppress_extended_error: Any = None,
        orig_exc: BaseException | None = None,
    ) -> None:
        super().__init__(message)
        self.message = str(message)
        self.obj = obj
        self.orig_exc = orig_exc

    def __str__(self) -> str:
        return self.message

    def __repr__(self) -> str:
        return self.message


class AnsibleOptionsError(AnsibleError):
    """Bad options."""


class AnsibleRequiredOptionError(AnsibleOptionsError):
    """An option is needed."""


class AnsibleParserError(AnsibleError):
    """Bad input."""


class AnsibleFileNotFound(AnsibleError):
    """No such file."""

    def __init__(
        self,
        message: Any = "",
        obj: Any = None,
        show_content: bool = True,
        suppress_extended_error: Any = None,
        orig_exc: BaseException | None = None,
        paths: Any = None,
        file_name: Any = None,
    ) -> None:
        words = str(message) or f"no such file: {file_name}"
        super().__init__(words, obj, show_content, suppress_extended_error, orig_exc)
        self.paths = paths
        self.file_name = file_name


class AnsibleAssertionError(AnsibleError, AssertionError):
    """Something is not as it has to be."""


class AnsibleInternalError(AnsibleError):
    """A fault of the plugin's own."""


class AnsibleRuntimeError(AnsibleError):
    """While it runs."""


class AnsibleConnectionFailure(AnsibleRuntimeError):
    """No connection."""


class AnsibleModuleError(AnsibleRuntimeError):
    """Of a module."""


class AnsiblePluginError(AnsibleError):
    """Of a plugin."""

    def __init__(self, message: Any = "", plugin_load_context: Any = None, **more: Any) -> None:
        super().__init__(message, **more)


class AnsibleTemplateError(AnsibleRuntimeError):
    """Of a template."""


class AnsibleTemplatePluginError(AnsibleTemplateError):
    """Of a plugin that a template names."""


class AnsibleFilterError(AnsibleTemplatePluginError):
    """Of a filter."""


class AnsibleFilterTypeError(AnsibleFilterError, TypeError):
    """A filter is given something of a wrong type."""


class AnsibleLookupError(AnsibleTemplatePluginError):
    """Of a lookup."""


class AnsibleUndefinedVariable(AnsibleTemplateError):
    """A variable isn't there."""


class AnsibleActionFail(AnsibleRuntimeError):
    """Of an action."""
