"""Repositories in place of those on the network that ansible-core's target ``git`` works with.

They are made of the same few commits, by name and date the same each time, and found by git in
place of the ones at their addresses (``url.<base>.insteadOf`` in git-config(1)).
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

_MAKE = """\
set -eu
commit() { git -C "$1" add -A; git -C "$1" commit -q -m "$2"; }
role=$1/jimi-c/test_role
git init -q "$role"
mkdir "$role/defaults" "$role/tasks"
echo '{}' >"$role/defaults/main.yml"
commit "$role" first
git -C "$role" tag v0.1
echo '[]' >"$role/tasks/main.yml"
commit "$role" second
echo 'A role.' >"$role/README.md"
commit "$role" third

subs=$1/abadger/test_submodules
for name in subm1 subm2; do
    sub=${subs}_$name.git
    git init -q "$sub"
    echo "$name" >"$sub/file"
    commit "$sub" "$name"
done
git clone -q "${subs}_subm1.git" "${subs}_subm1_newer.git"
echo newer >"${subs}_subm1_newer.git/newer"
commit "${subs}_subm1_newer.git" newer
whole=${subs}_newer.git
at=https://github.com/abadger/test_submodules
git init -q "$whole"
git -C "$whole" submodule --quiet add "${at}_subm1.git" submodule1
commit "$whole" one
git -C "$whole" submodule set-url submodule1 "${at}_subm1_newer.git"
git -C "$whole" submodule --quiet add "${at}_subm2.git" submodule2
git -C "$whole/submodule1" pull -q
commit "$whole" two

old=$1/ansible-test-robinro/git-test-old
git init -q "$old"
echo old >"$old/file"
commit "$old" old
git clone -q "$old" "$1/ansible-test-robinro/git-test-new"
echo new >"$1/ansible-test-robinro/git-test-new/newfilename"
commit "$1/ansible-test-robinro/git-test-new" new
"""


def _settings(**named: str) -> dict[str, str]:
    """Settings of git in the environment, see GIT_CONFIG_COUNT in git-config(1)."""
    found = {"GIT_CONFIG_COUNT": str(len(named))}
    for number, (name, value) in enumerate(named.items()):
        found[f"GIT_CONFIG_KEY_{number}"] = name
        found[f"GIT_CONFIG_VALUE_{number}"] = value
    return found


def make_repositories(folder: Path) -> Mapping[str, str]:
    """Make them in a folder; what they are found by is in the environment that is returned."""
    folder.mkdir()
    settings = _settings(
        **{
            f"url.{folder}/.insteadOf": "https://github.com/",
            # Submodules in files of this machine are refused otherwise.
            "protocol.file.allow": "always",
        }
    )
    roles = ("AUTHOR", "COMMITTER")
    who = {"NAME": "a", "EMAIL": "a@example.org", "DATE": "2024-01-01T00:00:00Z"}
    named = {f"GIT_{role}_{key}": value for role in roles for key, value in who.items()}
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), **named, **settings}
    (folder / ".gitconfig").write_text("[init]\ndefaultBranch = main\n")
    words = ["sh", "-c", _MAKE, "sh", str(folder)]
    subprocess.run(words, env=environment, check=True, capture_output=True)
    return settings
