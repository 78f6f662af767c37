"""Which keywords there are, where, and what they take.

The tables are those of the dialect's documentation (ansible-core 2.18, "Playbook Keywords").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Kind = Literal["bool", "int", "number", "percent", "text", "list", "any"]

SHARED: Mapping[str, Kind] = {
    "any_errors_fatal": "bool",
    "become": "bool",
    "become_exe": "text",
    "become_flags": "text",
    "become_method": "text",
    "become_user": "text",
    "check_mode": "bool",
    "connection": "text",
    "debugger": "text",
    "diff": "bool",
    "ignore_errors": "bool",
    "ignore_unreachable": "bool",
    "no_log": "bool",
    "port": "int",
    "remote_user": "text",
    "retries_unreachable": "int",
    "run_once": "bool",
    "throttle": "int",
    "timeout": "int",
}
"""Of plays, roles, blocks and tasks: own values replace inherited ones."""
DELEGATION: Mapping[str, Kind] = {"delegate_to": "text", "delegate_facts": "bool"}
"""Of roles, blocks and tasks; inherited likewise."""
GATHERED = frozenset({"collections", "environment", "module_defaults", "tags", "vars"})
"""Of plays, roles, blocks and tasks: own values are added to inherited ones."""

OWN_PLAY = ("gates", "after", "canary", "health", "max_hosts")
"""Keywords of plays that only opsrun has."""
OWN_TASK = ("opens", "awaits")
"""The same of tasks and handlers."""
PLAY = (
    frozenset(SHARED)
    | GATHERED
    | {
        "name",
        "hosts",
        "gather_facts",
        "gather_subset",
        "gather_timeout",
        "fact_path",
        "vars_files",
        "vars_prompt",
        "roles",
        "handlers",
        "pre_tasks",
        "tasks",
        "post_tasks",
        "force_handlers",
        "max_fail_percentage",
        "serial",
        "strategy",
        "order",
        "user",
        *OWN_PLAY,
    }
)
ORDERS = ("inventory", "sorted", "reverse_sorted", "reverse_inventory", "shuffle")
_BELOW_PLAY = frozenset(SHARED) | frozenset(DELEGATION) | GATHERED | {"name", "when"}
OWN_BLOCK = frozenset({"loop", "loop_control", "rescue_unreachable"})
"""The same of blocks; and ``with_*``."""
BLOCK_PARTS = frozenset({"block", "rescue", "always"})
BLOCK = _BELOW_PLAY | BLOCK_PARTS | OWN_BLOCK | {"notify"}
TASK = _BELOW_PLAY | {
    "action",
    "args",
    "async",
    "changed_when",
    "delay",
    "failed_when",
    "local_action",
    "loop",
    "loop_control",
    "notify",
    "poll",
    "register",
    "retries",
    "until",
    *OWN_TASK,
}
HANDLER = TASK | {"listen"}
ROLE_ENTRY = _BELOW_PLAY | {"role"}
IMPORT_PLAYBOOK = frozenset(SHARED) | GATHERED | {"name", "when", "import_playbook"}
INCLUDE = frozenset(
    {
        "action",
        "args",
        "collections",
        "debugger",
        "ignore_errors",
        "loop",
        "loop_control",
        "name",
        "no_log",
        "register",
        "run_once",
        "tags",
        "timeout",
        "vars",
        "when",
        "listen",
        *OWN_TASK,
    }
)
"""What a dynamic include itself takes; all else goes into its ``apply``."""
LOOP_CONTROL = frozenset(
    {"loop_var", "index_var", "label", "pause", "extended", "extended_allitems", "break_when"}
)
VARS_PROMPT = frozenset(
    {
        "name",
        "prompt",
        "default",
        "private",
        "confirm",
        "encrypt",
        "salt",
        "salt_size",
        "unsafe",
    }
)
GONE: Mapping[str, str] = {
    "sudo": "use 'become: true'",
    "sudo_user": "use 'become_user'",
    "su": "use 'become: true' with 'become_method: su'",
    "su_user": "use 'become_user' with 'become_method: su'",
    "sudo_pass": "use the variable 'ansible_become_password'",
    "accelerate": "it has no successor",
    "always_run": "use 'check_mode: false'",
    "first_available_file": "use 'with_first_found'",
    "only_if": "use 'when'",
    "when_string": "use 'when'",
    "static": "use 'import_tasks' or 'include_tasks'",
}
"""Keywords that earlier versions had, and what stands for them."""

FREE_FORM = frozenset(
    {
        "command",
        "shell",
        "script",
        "raw",
        "win_command",
        "win_shell",
        "ansible.windows.win_command",
        "ansible.windows.win_shell",
    }
)
"""Actions whose text is a command line: of its ``k=v`` words only `COMMAND_OPTIONS` count."""
COMMAND_OPTIONS = frozenset(
    {
        "creates",
        "removes",
        "chdir",
        "executable",
        "warn",
        "stdin",
        "stdin_add_newline",
        "strip_empty_ends",
    }
)
TASK_IMPORTS = frozenset({"import_tasks"})
ROLE_IMPORTS = frozenset({"import_role"})
TASK_INCLUDES = frozenset({"include_tasks"})
ROLE_INCLUDES = frozenset({"include_role"})
INCLUDES = TASK_INCLUDES | ROLE_INCLUDES
IMPORTS = TASK_IMPORTS | ROLE_IMPORTS
TEXT_TOO = (
    FREE_FORM | INCLUDES | IMPORTS | {"include_vars", "add_host", "group_by", "set_fact", "meta"}
)
"""Actions that may have text beside ``k=v``."""
TASKS_ARGS = frozenset({"file", "_raw_params", "apply"})
ROLE_FROM = ("tasks_from", "vars_from", "defaults_from", "handlers_from")
ROLE_ARGS = frozenset(
    {"name", "role", "public", "allow_duplicates", "rolespec_validate", *ROLE_FROM}
)

PREFIXES = ("ansible.builtin.", "ansible.legacy.")


def bare(action: str) -> str:
    """An action's name without the collection that all names are looked up in anyway.

    >>> bare("ansible.builtin.copy"), bare("community.general.ufw")
    ('copy', 'community.general.ufw')
    """
    for prefix in PREFIXES:
        if action.startswith(prefix):
            return action.removeprefix(prefix)
    return action
