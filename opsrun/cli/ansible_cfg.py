"""ansible.cfg and ANSIBLE_* variables as defaults of options, where Ansible's files are run.

They are weaker than opsrun.toml, OPSRUN_INVENTORY and the command line. What opsrun has nothing
for is told with ``-v``; what would make a run do something else than is written is refused.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import click

from opsrun.cli.settings import Setting, check, default_map, options_of
from opsrun.compat.settings import Settings, Told, config_file, is_open
from opsrun.compat.ssh_words import ssh_options
from opsrun.compat.translation import NotTranslated
from opsrun.errors import ConfigError

READERS = ("playbook", "inventory", "facts")
"""Commands that read it."""
SWITCH = "OPSRUN_ANSIBLE_CFG"
"""In the environment: ``no`` has it passed over, and so are the variables."""
META = "opsrun.ansible_cfg"
"""Under which click's context keeps what was read."""
_REFUSED = ("ANSIBLE_HASH_BEHAVIOUR",)
_OWN_WAY = "opsrun shows results in its own way"


def _text(told: Told) -> Any:
    return told.value.strip()


def _path(told: Told) -> Any:
    return told.path


def _paths(told: Told) -> Any:
    return told.paths


def _truth(told: Told) -> Any:
    return told.truth


def _not(told: Told) -> Any:
    return not told.truth


def _words(told: Told) -> Any:
    return [part.strip() for part in told.value.split(",") if part.strip()]


def _sources(told: Told) -> Any:
    if told.value.endswith(","):
        return [told.value]
    return [told._path(part) for part in told.value.split(",") if part.strip()]


def _checking(told: Told) -> Any:
    return None if told.truth else "off"


def _kind(told: Told) -> Any:
    word = told.value.strip().removeprefix("ansible.builtin.")
    return None if word in ("smart", "paramiko", "paramiko_ssh") else word


def _method(told: Told) -> Any:
    return told.value.strip().removeprefix("ansible.builtin.").removeprefix("community.general.")


_READ: Mapping[str, tuple[str, Callable[[Told], Any]]] = {
    "inventory": ("inventory", _sources),
    "roles_path": ("roles-path", _paths),
    "collections_path": ("collections-path", _paths),
    "forks": ("forks", _text),
    "remote_user": ("user", _text),
    "remote_port": ("port", _text),
    "private_key_file": ("private-key", lambda told: [told.path]),
    "timeout": ("connect-timeout", _text),
    "host_key_checking": ("host-key-checking", _checking),
    "become": ("become", _truth),
    "become_user": ("become-user", _text),
    "become_method": ("become-method", _method),
    "become_ask_pass": ("ask-become-pass", _truth),
    "ask_pass": ("ask-pass", _truth),
    "become_password_file": ("become-password-file", _path),
    "connection_password_file": ("password-file", _path),
    "playbook_dir": ("playbook-dir", _path),
    "force_handlers": ("force-handlers", _truth),
    "error_on_missing_handler": ("allow-missing-handlers", _not),
    "gathering": ("gathering", lambda told: told.value.strip().lower()),
    "fact_caching_timeout": ("fact-cache-timeout", _text),
    "fact_caching_prefix": ("fact-cache-prefix", _text),
    "gather_subset": ("gather-subset", _text),
    "gather_timeout": ("gather-timeout", _text),
    "fact_path": ("fact-path", _text),
    "any_errors_fatal": ("any-errors-fatal", _truth),
    "task_timeout": ("task-timeout", _text),
    "poll_interval": ("poll-interval", _text),
    "ansible_managed": ("managed", _text),
    "show_custom_stats": ("custom-stats", _truth),
    "display_ok_hosts": ("hide-ok", _not),
    "display_skipped_hosts": ("hide-skipped", _not),
    "library": ("module-path", _paths),
    "filter_plugins": ("filter-plugins", _paths),
    "test_plugins": ("test-plugins", _paths),
    "lookup_plugins": ("lookup-plugins", _paths),
    "retries": ("retries", _text),
    "strategy": ("strategy", _text),
    "transport": ("connection", _kind),
    "tags": ("tags", _words),
    "skip_tags": ("skip-tags", _words),
    "diff": ("diff", _truth),
    "vault_password_file": ("vault-password-file", _path),
    "vault_identity_list": ("vault-id", _words),
    "ask_vault_pass": ("ask-vault-pass", _truth),
}
"""By setting: the option that it is a default of, and how its value is read."""
_SSH = ("ssh_args", "ssh_common_args", "ssh_extra_args")
_OTHERS = ("stdout_callback", "verbosity", "nocolor", "force_color")


@dataclass(slots=True)
class Found:
    """What was read, and what there is to say of it."""

    path: str | None = None
    chosen: dict[str, Setting] = field(default_factory=dict)
    """By long option."""
    remarks: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """For ``-v``."""
        if self.path is not None or self.chosen:
            names = ", ".join(f"--{name}" for name in self.chosen) or "nothing"
            yield f"{self.path or 'ANSIBLE_* variables'}: defaults for {names}"
        for remark in self.remarks:
            yield f"warning: {remark}"


def read(command: click.Command, environ: Mapping[str, str]) -> Found:
    """What Ansible's settings say of a command's options.

    Raises:
        ConfigError: a value can't be used, or asks for what opsrun does not do.
    """
    try:
        settings = _settings(environ)
        found = Found(settings.path, remarks=list(settings.remarks))
        if settings.path is None and os.path.isfile("ansible.cfg") and is_open("."):
            found.remarks.append(
                "./ansible.cfg is passed over: everybody may write to this directory"
            )
        options = options_of(command)
        for name, (option, value) in _READ.items():
            told = settings.get(name)
            if told is not None and told.value.strip() and option in options:
                _choose(found, option, value(told), told, options[option])
        folder = settings.fact_cache() if "fact-cache" in options else None
        if folder is not None:
            _choose(found, "fact-cache", folder.path, folder, options["fact-cache"])
        found.remarks += [each for each in settings.remarks if each not in found.remarks]
    except NotTranslated as error:
        raise ConfigError(f"{error}; {SWITCH}=no has opsrun pass over it") from error
    if "inventory" in found.chosen and environ.get("OPSRUN_INVENTORY"):
        del found.chosen["inventory"]
    if "ssh-option" in options:
        _ssh(found, settings, options)
    for name in _OTHERS:
        other = settings.get(name)
        if other is not None and "output" in options:
            found.remarks.append(f"{other.place} has no effect: {_OWN_WAY}")
    return found


def _settings(environ: Mapping[str, str]) -> Settings:
    path = config_file(environ)
    if path is None:
        return Settings(environ, refused=_REFUSED)
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError as error:
        raise ConfigError(error.strerror or str(error), path=path) from error
    return Settings(environ, text, path, _REFUSED)


def _choose(found: Found, option: str, value: Any, told: Told, parameter: click.Option) -> None:
    if value is None or value == []:
        return
    if parameter.multiple and not isinstance(value, list):
        value = [value]
    setting = Setting("ansible", option, value, told.place, None)
    check(setting, parameter)
    found.chosen[option] = setting


def _ssh(found: Found, settings: Settings, options: Mapping[str, click.Option]) -> None:
    words: list[str] = []
    place = ""
    for name in _SSH:
        told = settings.get(name)
        if told is None:
            continue
        try:
            text, config = _without_config(told.value)
            words += ssh_options(text, told.place)
            place = told.place
            if config and "ssh-config" in options:
                found.chosen["ssh-config"] = Setting("ansible", "ssh-config", config, place, None)
        except (NotTranslated, ValueError) as error:
            found.remarks.append(f"{told.place} is not honoured: {error}")
    if words:
        found.chosen["ssh-option"] = Setting("ansible", "ssh-option", words, place, None)


def _without_config(text: str) -> tuple[str, str]:
    """ssh's words without ``-F FILE``, and what that file is; ``none`` for /dev/null."""
    words = shlex.split(text)
    if "-F" not in words[:-1]:
        return text, ""
    at = words.index("-F")
    file = os.path.expanduser(words[at + 1])
    return shlex.join(words[:at] + words[at + 2 :]), "none" if file == os.devnull else file


def defaults(ctx: click.Context, name: str, command: click.Command) -> dict[str, Any]:
    """Of a command, as click takes them; what was read is kept in the context."""
    if name not in READERS or os.environ.get(SWITCH, "").strip().lower() in ("no", "0", "false"):
        return {}
    if not any(key.startswith("ANSIBLE_") for key in os.environ) and not _there():
        return {}
    found = read(command, os.environ)
    ctx.meta[META] = found
    return default_map(command, found.chosen)


def _there() -> bool:
    return os.path.isfile("ansible.cfg") or config_file(os.environ) is not None


def tell(verbose: int) -> None:
    """Say what was read, from ``-v`` on."""
    from opsrun.cli.main import warn

    found = click.get_current_context().find_root().meta.get(META)
    if isinstance(found, Found) and verbose >= 1:
        for line in found.lines():
            warn(line)
