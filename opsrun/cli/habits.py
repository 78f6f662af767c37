"""Options that people have in their fingers from other tools, and what they are called here."""

from __future__ import annotations

_COMMANDS = {
    "-t": "for a time limit there are -T/--connect-timeout and --command-timeout",
    "-e": "to set a variable of a command's there is --env NAME=VALUE",
    "-m": "modules are called with `opsrun exec -m`",
    "-a": "write the command itself behind --",
    "-H": "hosts are named by -w/--hosts",
    "-p": "there are --port, and -f/--forks for how many hosts at once",
    "-P": "output is shown as it comes; there are -f/--forks for how many hosts at once, --port",
    "-n": "standard input is closed unless --stdin says otherwise",
    "-N": "no names stand in front of the output with -o fold",
    "-L": "identical output is shown once with -B/--fold",
    "-r": "there is --retries",
    "-s": "there is --become (-b)",
    "-A": "for a password there is -k/--ask-pass; agents are not forwarded",
    "-c": "the way to a host is ansible_connection in the inventory",
    "-C": "a command can't be tried without running it",
    "-D": "differences between hosts are shown by --diff",
}
"""ansible's, clush's, pdsh's, pssh's and ssh's short options, where ours are others."""

_WHOLE = "directories are copied with all that is in them"
_KEPT = "permissions and modification times are kept by sync, and with -p/--preserve by put and get"
_PLAIN = "nothing is compressed on its way"
_SHOWN = "progress is shown on terminals"
_WAY = "the way to a host is said by -J/--jump, -F/--ssh-config and -O/--ssh-option"
_LAST = "where to is the last word"

_COPIES = {
    "-r": _WHOLE,
    "-R": _WHOLE,
    "--recursive": _WHOLE,
    "-a": f"{_WHOLE}; {_KEPT}",
    "--archive": f"{_WHOLE}; {_KEPT}",
    "-p": _KEPT,
    "-t": _KEPT,
    "--perms": _KEPT,
    "--times": _KEPT,
    "-C": _PLAIN,
    "-z": _PLAIN,
    "--compress": _PLAIN,
    "-P": f"there is --port; {_SHOWN}",
    "--progress": _SHOWN,
    "-e": _WAY,
    "--rsh": _WAY,
    "-c": "sync compares contents with --checksum; put and get always do",
    "-n": "get writes nothing on the hosts; what they have is shown by `opsrun exec ls`",
    "--dry-run": "get writes nothing on the hosts; what they have is shown by `opsrun exec ls`",
    "-L": "put sends what links lead to with --dereference",
    "--copy-links": "put sends what links lead to with --dereference",
    "-d": _LAST,
    "--dest": _LAST,
    "--src": "what to copy comes first, and where to last",
    "--rcopy": "files come from hosts with `opsrun get`",
    "-m": "modules are called with `opsrun exec -m`; -p and --mode say how files are to be",
    "-H": "hosts are named by -w/--hosts",
    "-s": "there is --become (-b)",
    "-A": "for a password there is -k/--ask-pass; agents are not forwarded",
}
"""scp's, rsync's, clush's, pscp's and ansible's options, where ours are others."""

HINTED = {
    **dict.fromkeys(("exec", "ping", "wait", "shell"), _COMMANDS),
    **dict.fromkeys(("put", "get", "sync"), _COPIES),
}
"""What there is to say to each subcommand's options, by their names."""


def habit(command: str, option: str) -> str:
    """The end of a sentence about an option that a subcommand doesn't have, or nothing."""
    known = HINTED.get(command, {}).get(option)
    return f" Here, {known}." if known else ""
