"""What each keyword of the language is for, in a line; beside `opsrun.playbook.parse.names`."""

from __future__ import annotations

from collections.abc import Mapping

MEANINGS: Mapping[str, str] = {
    "action": "Which module, and its arguments: `MODULE name=value …`, or a dictionary.",
    "after": "Names of the plays that this one follows; else all that stand before it.",
    "always": "Tasks that run behind the block, whatever became of it.",
    "any_errors_fatal": "A host's failure ends the play for all hosts.",
    "args": "Further arguments of the task's module.",
    "async": "The longest that the task may go on, in seconds, apart from its connection.",
    "awaits": "Gates, or checks, that a host waits for before it does this.",
    "become": "Whether it is done as another user.",
    "become_exe": "The program that changes the user.",
    "become_flags": "Options for that program.",
    "become_method": "How the user is changed: sudo, su, doas.",
    "become_user": "Which user, with become; root where none is named.",
    "block": "Tasks that belong together: what is said of the block holds for each.",
    "canary": "Sizes of the first batches of hosts, each judged before the next begins.",
    "changed_when": "Conditions that decide whether a result counts as changed.",
    "check_mode": "Whether to say what would change, and change nothing.",
    "collections": "Where modules and roles without a collection's name are looked for.",
    "connection": "How hosts are reached: ssh, local, docker and so on.",
    "debugger": "When a debugger is to be started; means nothing here.",
    "delay": "Seconds between attempts of until.",
    "delegate_facts": "Facts belong to the host that the task is delegated to.",
    "delegate_to": "The host that does it in the place of each.",
    "diff": "Whether to show what changes inside files.",
    "environment": "Variables of the environment for what runs on the host.",
    "fact_path": "Where a host keeps facts of its own.",
    "failed_when": "Conditions that decide whether a result counts as failed.",
    "force_handlers": "Notified handlers run on hosts that have failed, too.",
    "gates": "Gates, or checks, that each host waits for before it begins the play.",
    "gather_facts": "Whether facts of the hosts are gathered first.",
    "gather_subset": "Which facts are gathered.",
    "gather_timeout": "Seconds that gathering may take.",
    "handlers": "Tasks that run only where they were notified.",
    "health": "Checks that must hold on a batch's hosts before the next batch begins.",
    "hosts": "A pattern of hosts, or a list of them.",
    "ignore_errors": "Go on with a host on which it failed.",
    "ignore_unreachable": "Go on with a host that could not be reached.",
    "import_playbook": "Another playbook, whose plays stand here.",
    "listen": "Further names by which a handler is notified.",
    "local_action": "As action, done on this machine.",
    "loop": "A list: the task is done once for each entry.",
    "loop_control": "What the entry is called, shown as, and how long to pause between entries.",
    "max_fail_percentage": "The play ends where more of a batch's hosts than this have failed.",
    "max_hosts": "With more hosts than this the play has to be confirmed before anything is done.",
    "module_defaults": "Arguments that modules are given where a task gives none.",
    "name": "What it is called in the output.",
    "no_log": "Whether results and arguments are kept from the output.",
    "notify": "Handlers to run later if this changes something.",
    "opens": "Gates that a host opens as it has done this well.",
    "order": "In which order the hosts come.",
    "poll": "Seconds between looks at a task with async; 0 to leave it running.",
    "port": "The port to reach hosts on.",
    "post_tasks": "Tasks behind all others.",
    "pre_tasks": "Tasks before the roles.",
    "register": "The variable that gets the result.",
    "remote_user": "Whom to log in as.",
    "rescue": "Tasks that run where one of the block has failed.",
    "rescue_unreachable": "Whether the block's rescue also runs where a host can't be reached.",
    "retries": "How many more attempts until has.",
    "retries_unreachable": "How many more attempts there are where a host can't be reached.",
    "role": "The role's name.",
    "roles": "Roles, done between pre_tasks and tasks.",
    "run_once": "Done on one host, its result given to all.",
    "serial": "How many hosts at a time go through the play: numbers, percentages, or a list.",
    "strategy": "How hosts go through the tasks: linear, free, host_pinned.",
    "tags": "Names by which --tags and --skip-tags choose.",
    "tasks": "What the play does, behind its roles.",
    "throttle": "On how many hosts it is done at once, at most.",
    "timeout": "Seconds that it may take.",
    "until": "Conditions: the task is tried again until they hold.",
    "user": "The old name of remote_user.",
    "vars": "Variables that are seen from here.",
    "vars_files": "Files with variables of the play.",
    "vars_prompt": "Variables that the operator is asked for.",
    "when": "Conditions that must all hold for it to be done.",
}
"""By keyword; a test holds that each has its line."""

LOOP_CONTROL: Mapping[str, str] = {
    "break_when": "Conditions that end the loop, looked at behind each entry.",
    "extended": "Whether `ansible_loop` tells where in the loop a task is.",
    "extended_allitems": "Whether `ansible_loop` also has the whole list.",
    "index_var": "The variable that holds the number of the entry, from 0 on.",
    "label": "What the output shows of an entry.",
    "loop_var": "The variable that holds the entry; `item` where none is named.",
    "pause": "Seconds between entries.",
}
"""Keys of ``loop_control``."""

VARS_PROMPT: Mapping[str, str] = {
    "confirm": "Whether it has to be typed twice.",
    "default": "What an empty answer means.",
    "encrypt": "The hash that the answer is turned into.",
    "name": "The variable.",
    "private": "Whether typing is hidden.",
    "prompt": "The question.",
    "salt": "The salt of that hash.",
    "salt_size": "How long a salt to make.",
    "unsafe": "Whether the answer may hold Jinja's delimiters.",
}
"""Keys of an entry of ``vars_prompt``."""

INCLUDES: Mapping[str, str] = {
    "import_playbook": "Another playbook, whose plays stand here; read before anything runs.",
    "import_role": "A role, in the place of this task; read before anything runs.",
    "import_tasks": "A file of tasks, in the place of this one; read before anything runs.",
    "include_role": "A role, read as the first host comes to it: name and loop may be templates.",
    "include_tasks": "A file of tasks, read as the first host comes to it: name and loop may be "
    "templates.",
}
"""What leads to other files."""

INCLUDE_OPTIONS: Mapping[str, str] = {
    "allow_duplicates": "Whether the role may be done again with the same variables.",
    "apply": "Keywords for what is included: tags, when, become and so on.",
    "defaults_from": "The file of its defaults, in the place of main.",
    "file": "The file of tasks.",
    "handlers_from": "The file of its handlers, in the place of main.",
    "name": "The role.",
    "public": "Whether the play's later tasks see its defaults and variables.",
    "role": "Another name of `name`.",
    "rolespec_validate": "Whether its argument_specs are held against what it is given.",
    "tasks_from": "The file of its tasks, in the place of main.",
    "vars_from": "The file of its variables, in the place of main.",
}
"""Their arguments."""
