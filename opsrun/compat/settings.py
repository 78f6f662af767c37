"""Ansible's settings: its environment variables, and the keys of ``ansible.cfg``."""

from __future__ import annotations

import configparser
import os
import stat
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from opsrun.compat.translation import ERROR, NotTranslated

_TRUE = ("1", "true", "yes", "on", "y", "t")
_FALSE = ("0", "false", "no", "off", "n", "f", "")

HONOURED: dict[str, tuple[str, ...]] = {
    "inventory": ("ANSIBLE_INVENTORY", "defaults.inventory"),
    "roles_path": ("ANSIBLE_ROLES_PATH", "defaults.roles_path"),
    "collections_path": (
        "ANSIBLE_COLLECTIONS_PATH",
        "ANSIBLE_COLLECTIONS_PATHS",
        "defaults.collections_path",
        "defaults.collections_paths",
    ),
    "forks": ("ANSIBLE_FORKS", "defaults.forks"),
    "remote_user": ("ANSIBLE_REMOTE_USER", "defaults.remote_user"),
    "remote_port": ("ANSIBLE_REMOTE_PORT", "defaults.remote_port"),
    "private_key_file": ("ANSIBLE_PRIVATE_KEY_FILE", "defaults.private_key_file"),
    "timeout": ("ANSIBLE_TIMEOUT", "ANSIBLE_SSH_TIMEOUT", "defaults.timeout"),
    "host_key_checking": (
        "ANSIBLE_HOST_KEY_CHECKING",
        "ANSIBLE_SSH_HOST_KEY_CHECKING",
        "defaults.host_key_checking",
        "ssh_connection.host_key_checking",
    ),
    "ssh_args": ("ANSIBLE_SSH_ARGS", "ssh_connection.ssh_args"),
    "ssh_common_args": ("ANSIBLE_SSH_COMMON_ARGS", "ssh_connection.ssh_common_args"),
    "ssh_extra_args": ("ANSIBLE_SSH_EXTRA_ARGS", "ssh_connection.ssh_extra_args"),
    "become": ("ANSIBLE_BECOME", "privilege_escalation.become"),
    "become_user": ("ANSIBLE_BECOME_USER", "privilege_escalation.become_user"),
    "become_method": ("ANSIBLE_BECOME_METHOD", "privilege_escalation.become_method"),
    "become_ask_pass": ("ANSIBLE_BECOME_ASK_PASS", "privilege_escalation.become_ask_pass"),
    "ask_pass": ("ANSIBLE_ASK_PASS", "defaults.ask_pass"),
    "become_password_file": ("ANSIBLE_BECOME_PASSWORD_FILE", "defaults.become_password_file"),
    "connection_password_file": (
        "ANSIBLE_CONNECTION_PASSWORD_FILE",
        "defaults.connection_password_file",
    ),
    "playbook_dir": ("ANSIBLE_PLAYBOOK_DIR", "defaults.playbook_dir"),
    "force_handlers": ("ANSIBLE_FORCE_HANDLERS", "defaults.force_handlers"),
    "error_on_missing_handler": (
        "ANSIBLE_ERROR_ON_MISSING_HANDLER",
        "defaults.error_on_missing_handler",
    ),
    "gather_subset": ("ANSIBLE_GATHER_SUBSET", "defaults.gather_subset"),
    "gather_timeout": ("ANSIBLE_GATHER_TIMEOUT", "defaults.gather_timeout"),
    "fact_path": ("ANSIBLE_FACT_PATH", "defaults.fact_path"),
    "any_errors_fatal": ("ANSIBLE_ANY_ERRORS_FATAL", "defaults.any_errors_fatal"),
    "task_timeout": ("ANSIBLE_TASK_TIMEOUT", "defaults.task_timeout"),
    "poll_interval": ("ANSIBLE_POLL_INTERVAL", "defaults.poll_interval"),
    "ansible_managed": ("ANSIBLE_MANAGED_STR", "defaults.ansible_managed"),
    "show_custom_stats": ("ANSIBLE_SHOW_CUSTOM_STATS", "defaults.show_custom_stats"),
    "display_ok_hosts": ("ANSIBLE_DISPLAY_OK_HOSTS", "defaults.display_ok_hosts"),
    "display_skipped_hosts": (
        "ANSIBLE_DISPLAY_SKIPPED_HOSTS",
        "defaults.display_skipped_hosts",
    ),
    "library": ("ANSIBLE_LIBRARY", "defaults.library"),
    "filter_plugins": ("ANSIBLE_FILTER_PLUGINS", "defaults.filter_plugins"),
    "test_plugins": ("ANSIBLE_TEST_PLUGINS", "defaults.test_plugins"),
    "lookup_plugins": ("ANSIBLE_LOOKUP_PLUGINS", "defaults.lookup_plugins"),
    "allow_broken_conditionals": (
        "ANSIBLE_ALLOW_BROKEN_CONDITIONALS",
        "defaults.allow_broken_conditionals",
    ),
    "deprecation_warnings": ("ANSIBLE_DEPRECATION_WARNINGS", "defaults.deprecation_warnings"),
    "gathering": ("ANSIBLE_GATHERING", "defaults.gathering"),
    "fact_caching_connection": (
        "ANSIBLE_CACHE_PLUGIN_CONNECTION",
        "defaults.fact_caching_connection",
    ),
    "fact_caching_timeout": ("ANSIBLE_CACHE_PLUGIN_TIMEOUT", "defaults.fact_caching_timeout"),
    "fact_caching_prefix": ("ANSIBLE_CACHE_PLUGIN_PREFIX", "defaults.fact_caching_prefix"),
    "retries": ("ANSIBLE_SSH_RETRIES", "ssh_connection.retries"),
    "strategy": ("ANSIBLE_STRATEGY", "defaults.strategy"),
    "transport": ("ANSIBLE_TRANSPORT", "defaults.transport"),
    "tags": ("ANSIBLE_RUN_TAGS", "tags.run"),
    "skip_tags": ("ANSIBLE_SKIP_TAGS", "tags.skip"),
    "diff": ("ANSIBLE_DIFF_ALWAYS", "diff.always"),
    "verbosity": ("ANSIBLE_VERBOSITY", "defaults.verbosity"),
    "stdout_callback": ("ANSIBLE_STDOUT_CALLBACK", "defaults.stdout_callback"),
    "force_color": ("ANSIBLE_FORCE_COLOR", "defaults.force_color"),
    "nocolor": ("ANSIBLE_NOCOLOR", "NO_COLOR", "defaults.nocolor"),
    "vault_password_file": ("ANSIBLE_VAULT_PASSWORD_FILE", "defaults.vault_password_file"),
    "vault_identity_list": ("ANSIBLE_VAULT_IDENTITY_LIST", "defaults.vault_identity_list"),
    "ask_vault_pass": ("ANSIBLE_ASK_VAULT_PASS", "defaults.ask_vault_pass"),
    "vault_identity": ("ANSIBLE_VAULT_IDENTITY", "defaults.vault_identity"),
    "vault_id_match": ("ANSIBLE_VAULT_ID_MATCH", "defaults.vault_id_match"),
    "vault_encrypt_identity": (
        "ANSIBLE_VAULT_ENCRYPT_IDENTITY",
        "defaults.vault_encrypt_identity",
    ),
}
"""Settings that are translated: by our name, where each can be written, the first one winning."""

VAULT_SETTINGS = tuple(name for name in HONOURED if "vault" in name)
"""Those of them that `opsrun.cli.vaulting` reads as variables."""

ONLY: dict[str, tuple[str, ...]] = {
    "ANSIBLE_HASH_BEHAVIOUR": ("replace",),
    "ANSIBLE_CACHE_PLUGIN": (
        "memory",
        "jsonfile",
        "ansible.builtin.memory",
        "ansible.builtin.jsonfile",
    ),
    "ANSIBLE_HOST_PATTERN_MISMATCH": ("warning", "ignore"),
    "ANSIBLE_NO_LOG": _FALSE,
    "ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS": ("never", "ignore"),
    "ANSIBLE_EXECUTABLE": ("/bin/sh",),
    "ANSIBLE_PLAYBOOK_VARS_ROOT": ("top",),
    "ANSIBLE_INJECT_FACT_VARS": _TRUE,
    "ANSIBLE_INJECT_INVOCATION": _FALSE,
    "ANSIBLE_ERROR_ON_UNDEFINED_VARS": _TRUE,
    "ANSIBLE_PRIVATE_ROLE_VARS": _FALSE,
    "ANSIBLE_MAX_DIFF_SIZE": ("104448",),
}
"""Settings that change what a run does, with the values that opsrun acts as."""
_ONLY_KEYS = {
    "defaults.executable": "ANSIBLE_EXECUTABLE",
    "defaults.transform_invalid_group_chars": "ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS",
    "inventory.any_unparsed_is_failed": "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED",
    "inventory.unparsed_is_failed": "ANSIBLE_INVENTORY_UNPARSED_FAILED",
    "inventory.enable_plugins": "ANSIBLE_INVENTORY_ENABLED",
    "defaults.hash_behaviour": "ANSIBLE_HASH_BEHAVIOUR",
    "defaults.fact_caching": "ANSIBLE_CACHE_PLUGIN",
    "defaults.no_log": "ANSIBLE_NO_LOG",
    "defaults.playbook_vars_root": "ANSIBLE_PLAYBOOK_VARS_ROOT",
    "defaults.inject_facts_as_vars": "ANSIBLE_INJECT_FACT_VARS",
    "defaults.error_on_undefined_vars": "ANSIBLE_ERROR_ON_UNDEFINED_VARS",
    "defaults.private_role_vars": "ANSIBLE_PRIVATE_ROLE_VARS",
}

_SOURCES = frozenset(("host_list", "script", "yaml", "ini"))
"""Inventory plugins whose sources opsrun reads, told from each other by what they are."""


def _reads_all(value: str) -> bool:
    named = {each.strip().removeprefix("ansible.builtin.") for each in value.split(",")}
    return named >= _SOURCES


EFFECTLESS: dict[str, tuple[Callable[[str], bool], str]] = {
    "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": (
        lambda value: value.strip().lower() in _TRUE,
        "an inventory source that can't be read always ends the run",
    ),
    "ANSIBLE_INVENTORY_UNPARSED_FAILED": (
        lambda value: value.strip().lower() in _TRUE,
        "an inventory source that can't be read always ends the run",
    ),
    "ANSIBLE_INVENTORY_ENABLED": (
        _reads_all,
        "inventories are host lists, scripts, INI or YAML, whichever are enabled",
    ),
}
"""Settings that change nothing: with which values nobody need be told, and what is to be told."""

MOOT = frozenset(
    [
        *("ANSIBLE_CONFIG", "ANSIBLE_JINJA2_NATIVE"),
        *("ANSIBLE_RETRY_FILES_ENABLED", "ANSIBLE_RETRY_FILES_SAVE_PATH", "ANSIBLE_DEBUG"),
        *("ANSIBLE_LOCAL_TEMP", "ANSIBLE_REMOTE_TEMP", "ANSIBLE_REMOTE_TMP", "ANSIBLE_PIPELINING"),
        *("ANSIBLE_SSH_PIPELINING", "ANSIBLE_SSH_CONTROL_PATH", "ANSIBLE_SSH_CONTROL_PATH_DIR"),
        *("ANSIBLE_SSH_TRANSFER_METHOD", "ANSIBLE_SCP_IF_SSH"),
        *("ANSIBLE_NOCOWS", "ANSIBLE_COW_SELECTION", "ANSIBLE_COMMAND_WARNINGS", "ANSIBLE_HOME"),
        *("ANSIBLE_SYSTEM_WARNINGS", "ANSIBLE_ACTION_WARNINGS", "ANSIBLE_LOCALHOST_WARNING"),
        *("ANSIBLE_INVENTORY_UNPARSED_WARNING", "ANSIBLE_DEVEL_WARNING", "ANSIBLE_PYTHON"),
        *("ANSIBLE_PYTHON_INTERPRETER", "ANSIBLE_INTERPRETER_PYTHON"),
        *("ANSIBLE_DISPLAY_ARGS_TO_STDOUT", "ANSIBLE_DEVEL", "ANSIBLE_TEST_CI"),
        *("ANSIBLE_BECOME_ALLOW_SAME_USER", "ANSIBLE_KEEP_REMOTE_FILES"),
        *("ANSIBLE_LOAD_CALLBACK_PLUGINS", "ANSIBLE_UNSAFE_WRITES"),
        "ANSIBLE_USE_PERSISTENT_CONNECTIONS",
        "ANSIBLE_PARAMIKO_RECORD_HOST_KEYS",
        *("ANSIBLE_COLLECTIONS_SCAN_SYS_PATH", "ANSIBLE_COLLECTIONS_ON_ANSIBLE_VERSION_MISMATCH"),
    ]
)
"""Settings that say how Ansible does something that opsrun does otherwise, or never needs."""
_MOOT_SECTIONS = ("galaxy", "colors", "persistent_connection", "paramiko_connection", "selinux")
_MOOT_KEYS = frozenset(
    [
        *("defaults.retry_files_enabled", "defaults.deprecation_warnings", "defaults.nocows"),
        *("defaults.command_warnings", "defaults.system_warnings", "defaults.interpreter_python"),
        *("defaults.local_tmp", "defaults.remote_tmp", "defaults.jinja2_native"),
        *("defaults.retry_files_save_path", "defaults.jinja2_extensions"),
        *("defaults.ansible_python_interpreter", "defaults.no_target_syslog"),
        *("defaults.callback_result_format", "defaults.result_format", "defaults.pipelining"),
        *("defaults.force_valid_group_names", "defaults.squash_actions"),
        *("defaults.allow_world_readable_tmpfiles", "defaults.control_path"),
        "ssh_connection.ssh_transfer_method",
        "defaults.module_lang",
        *(
            "defaults.internal_poll_interval",
            "defaults.localhost_warning",
            "defaults.cow_selection",
        ),
        *(
            "defaults.action_warnings",
            "defaults.module_set_locale",
            "defaults.bin_ansible_callbacks",
        ),
        *("ssh_connection.pipelining", "ssh_connection.control_path"),
        *("ssh_connection.control_path_dir", "ssh_connection.transfer_method"),
        *(
            "ssh_connection.scp_if_ssh",
            "ssh_connection.sftp_batch_mode",
        ),
        *(
            "inventory.unparsed_warning",
            "defaults.use_persistent_connections",
        ),
        "defaults.keep_remote_files",
    ]
)


@dataclass(frozen=True, slots=True)
class Told:
    """A setting, and where it was made."""

    value: str
    place: str
    """Name of the variable, or ``file: [section] key``."""
    base: str = ""
    """The folder that its paths are relative to; empty for the working directory."""

    @property
    def truth(self) -> bool:
        """As a switch. Raises NotTranslated for what is none."""
        word = self.value.strip().lower()
        if word not in (*_TRUE, *_FALSE):
            raise NotTranslated(f"{self.place}: expected yes or no, found {self.value!r}", ERROR)
        return word in _TRUE

    @property
    def paths(self) -> list[str]:
        """As a list of folders, separated by colons."""
        return [self._path(part) for part in self.value.split(":") if part]

    @property
    def path(self) -> str:
        """As one path."""
        return self._path(self.value)

    def _path(self, part: str) -> str:
        part = os.path.expanduser(os.path.expandvars(part.strip()))
        part = part.replace("{{CWD}}", os.getcwd())
        return os.path.normpath(os.path.join(self.base, part)) if self.base else part


class Settings:
    """What the environment and the configuration file say.

    Args:
        environ: the environment.
        file: text of the configuration file, None where there is none.
        path: its path.
        refused: which of `ONLY` are refused with other values than opsrun acts as, and not only
            told; None for all.

    Raises:
        NotTranslated: something that opsrun doesn't do is asked for.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        file: str | None = None,
        path: str = "ansible.cfg",
        refused: Collection[str] | None = None,
    ) -> None:
        self._environ = environ
        self._refused = refused
        self._keys = dict(_keys(file, path)) if file is not None else {}
        self.path = path if file is not None else None
        self.remarks: list[str] = []
        self._look()

    def get(self, name: str) -> Told | None:
        """The setting of this name, see `HONOURED`."""
        for place in HONOURED[name]:
            if "." in place and place in self._keys:
                return self._keys[place]
            if place in self._environ:
                return Told(self._environ[place], place)
        return None

    def text(self, name: str) -> str | None:
        """Its value."""
        told = self.get(name)
        return None if told is None else told.value

    def is_on(self, name: str) -> bool:
        """Whether it is switched on."""
        told = self.get(name)
        return told is not None and told.truth

    def fact_cache(self) -> Told | None:
        """The folder of facts that are kept in files; None where they are not kept so."""
        key = self._keys.get("defaults.fact_caching")
        kind = self._environ.get("ANSIBLE_CACHE_PLUGIN") or (key.value if key is not None else "")
        if kind.strip().lower().removeprefix("ansible.builtin.") != "jsonfile":
            return None
        told = self.get("fact_caching_connection")
        if told is None or not told.value.strip():
            words = "fact_caching = jsonfile keeps nothing: fact_caching_connection names no folder"
            self.remarks.append(words)
            return None
        return told

    def _look(self) -> None:
        known = {place for places in HONOURED.values() for place in places}
        for name in sorted(self._environ):
            if name.startswith("ANSIBLE_") and name not in known | MOOT:
                self._check(name, Told(self._environ[name], name))
        for name, told in self._keys.items():
            if name in known | _MOOT_KEYS or name.partition(".")[0] in _MOOT_SECTIONS:
                continue
            self._check(_ONLY_KEYS.get(name, name), told)

    def _check(self, name: str, told: Told) -> None:
        if name in EFFECTLESS:
            is_so, words = EFFECTLESS[name]
            if not is_so(told.value):
                self.remarks.append(f"{told.place} has no effect: {words}")
        elif name not in ONLY:
            self.remarks.append(f"{told.place} is not honoured")
        elif told.value.strip().lower() not in ONLY[name]:
            does = " or ".join(repr(each) for each in ONLY[name][:2])
            words = f"{told.place}: opsrun acts as {does}, not as {told.value!r}"
            if self._refused is None or name in self._refused:
                raise NotTranslated(words, ERROR)
            self.remarks.append(words)


def _keys(text: str, path: str) -> Iterator[tuple[str, Told]]:
    parser = configparser.ConfigParser(
        interpolation=None, strict=False, inline_comment_prefixes=(";",)
    )
    try:
        parser.read_string(text, source=path)
    except configparser.Error as error:
        raise NotTranslated(f"{path}: {error}", ERROR) from error
    base = os.path.dirname(os.path.abspath(path))
    for section in parser.sections():
        for key, value in parser.items(section):
            yield f"{section}.{key}", Told(value, f"{path}: [{section}] {key}", base)


def is_open(folder: str) -> bool:
    """Whether everybody may write to a folder, and so put settings of theirs there."""
    try:
        return bool(os.stat(folder).st_mode & stat.S_IWOTH)
    except OSError:
        return True


def config_file(environ: Mapping[str, str]) -> str | None:
    """The configuration file that Ansible would read: the first one of those there may be."""
    named = environ.get("ANSIBLE_CONFIG")
    if named:
        named = os.path.expanduser(named)
        named = os.path.join(named, "ansible.cfg") if os.path.isdir(named) else named
    places = (
        named,
        None if is_open(".") else "ansible.cfg",
        os.path.expanduser("~/.ansible.cfg"),
        "/etc/ansible/ansible.cfg",
    )
    return next((place for place in places if place and os.path.isfile(place)), None)
