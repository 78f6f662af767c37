"""Options that people have in their fingers from other tools, and what they are called here."""

from __future__ import annotations

_HABITS = {
    "-t": "for a time limit there are -T/--connect-timeout and --command-timeout",
    "-e": "to set a variable of a command's there is --env NAME=VALUE",
    "-m": "there are no modules here yet; write the command itself",
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


def habit(option: str) -> str:
    """The end of a sentence about an option that there isn't, or nothing."""
    known = _HABITS.get(option)
    return f" Here, {known}." if known else ""
