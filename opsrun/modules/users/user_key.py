"""A key pair that a user of the host gets: ssh-keygen(1)'s.

Its passphrase reaches the host by standard input, and ssh-keygen by its environment, which nobody
else can read: it asks a small program for it (``SSH_ASKPASS`` in ssh(1)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from opsrun.modules.looking import Answers
from opsrun.modules.users.entries import command
from opsrun.modules.wording import path_word, word

LOOK_AT_KEY = r"""
key() {
  say keyfile "$1"
  if [ -e "$1" ] || [ -h "$1" ]; then say key y; fi
  if [ -e "$1.pub" ] || [ -h "$1.pub" ]; then say public y; fi
  if [ -f "$1.pub" ]; then say pub "$(cat <"$1.pub")"; fi
  if [ -f "$1" ]; then say print "$(ssh-keygen -l -f "$1" 2>/dev/null </dev/null)"; fi
}
"""
"""``key PATH`` tells of a pair."""

_MAKE = r"""
case $f in */*) d=${f%/*} ;; *) d=. ;; esac
if [ ! -d "$d" ]; then
  mkdir -- "$d" && chmod 0700 "$d" && chown "$u:$g" "$d" || exit
fi
has ssh-keygen || lack ssh-keygen
w=$(mktemp -d "$d/.opsrun-XXXXXX") || exit
trap 'rm -rf -- "$w"' EXIT
cat >"$w/ask" <<'ask'
#!/bin/sh
exec awk 'BEGIN { print ENVIRON["OPSRUN_PHRASE"] }'
ask
chmod 0700 "$w/ask"
"""

_KEEP = r"""
if [ ! -e "$f" ] && [ ! -h "$f" ]; then
if [ -e "$f.pub" ] || [ -h "$f.pub" ]; then
  echo "$f.pub is there, without its key: nothing was overwritten" >&2
  exit 1
fi
"""

_PLACE = r"""
chmod 0600 "$w/key" && chmod 0644 "$w/key.pub" && chown "$u:$g" "$w/key" "$w/key.pub" || exit
mv -f -- "$w/key" "$f" && mv -f -- "$w/key.pub" "$f.pub" || exit
rm -rf -- "$w"
trap - EXIT
"""


@dataclass(frozen=True, slots=True)
class KeyWish:
    """The pair that is wanted."""

    file: str | None
    kind: str
    bits: int | None
    comment: str | None
    passphrase: str | None
    force: bool

    @property
    def path(self) -> str:
        """Its private half; below the home unless it begins with a slash."""
        return self.file or f".ssh/id_{self.kind}"

    def looking(self) -> str:
        """Lines that tell of it; want the home in ``h``."""
        return f'f={self._path_word()}\nkey "$f"\nsay node "$(uname -n)"\n'

    def _path_word(self) -> str:
        path = self.path
        return path_word(path) if path[:1] in ("/", "~", "$") else f'"$h"/{word(path)}'

    def making(self) -> str:
        """Lines that make it; want the home in ``h``, the user in ``u``, the group in ``g``."""
        comment = (
            '"ansible-generated on $(uname -n)"' if self.comment is None else word(self.comment)
        )
        bits = ["-b", self.bits] if self.bits else []
        words = command("ssh-keygen", "-q", "-t", self.kind, [str(each) for each in bits])
        line = f'{words} -C {comment} -f "$w/key"'
        if self.passphrase is None:
            line += " -N ''"
        else:
            asked = 'DISPLAY=${DISPLAY:-:0} SSH_ASKPASS="$w/ask" SSH_ASKPASS_REQUIRE=force'
            line = f"OPSRUN_PHRASE=$phrase {asked} {line}"
        made = f"{_MAKE}{line} </dev/null || exit\n{_PLACE}"
        if not self.force:
            # A home that was there before its user may have a pair, or one half of it.
            made = f"{_KEEP}{made}fi\n"
        return f"f={self._path_word()}\n{made}"


def told(answers: Answers) -> dict[str, Any]:
    """What results say of a pair that is there."""
    data: dict[str, Any] = {"ssh_key_file": answers.text("keyfile")}
    if answers.get("print"):
        data["ssh_fingerprint"] = answers.text("print").strip()
    if answers.get("pub") is not None:
        data["ssh_public_key"] = answers.text("pub").strip()
    return data
