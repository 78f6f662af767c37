"""apt_key: a key that repositories are signed with is trusted, or not.

apt reads keyrings as they are: keys of OpenPGP one behind the other. So gpg(1) alone is needed, and
not apt-key(8), which is gone from newer systems.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from opsrun.modules.base import Context, Inspection, ModuleError, ModuleResult, Plan, StateModule
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.options import module, option
from opsrun.modules.requests import Run
from opsrun.modules.wording import path_word, word
from opsrun.remote.command import CommandResult

TRUSTED = "/etc/apt/trusted.gpg"
_ID = re.compile(r"(?:0[xX])?([0-9A-Fa-f]{8,40})\Z")

_BEGIN = f"""\
{LOOK}
die() {{ printf '%s\\n' "$*" >&2; exit 1; }}
command -v gpg >/dev/null || die 'there is no gpg on this host'
t=
for d in /run /dev/shm "${{TMPDIR:-/tmp}}"; do
  if t=$(mktemp -d "$d/.key.XXXXXX" 2>/dev/null); then break; fi
done
[ -n "$t" ] || die 'there is no room for a temporary file'
trap 'rm -rf "$t"' EXIT
trap 'exit 143' TERM HUP INT
own() {{ gpg --homedir "$t" --batch --no-tty --quiet "$@"; }}
told() {{ own --with-colons --import-options show-only --import <"$1" 2>/dev/null; }}
"""

_FETCH = """\
if command -v curl >/dev/null; then
  e=$(curl -fsSL ${insecure:+-k} -o "$t/new" -- "$u" 2>&1) || die "$u: $e"
elif command -v wget >/dev/null; then
  e=$(wget -nv ${insecure:+--no-check-certificate} -O "$t/new" -- "$u" 2>&1) || die "$u: $e"
else
  die 'there is no curl on this host'
fi
"""

_TELL = """\
case $(head -n 1 "$t/new" | tr -d '\\0') in
  *-----BEGIN*) own --dearmor <"$t/new" >"$t/plain" 2>"$t/why" || die "$(cat "$t/why")" ;;
  *) cp "$t/new" "$t/plain" || exit 1 ;;
esac
b=$(base64 "$t/plain") || exit 1
say new "$(told "$t/plain")" bytes "$(printf '%s' "$b" | tr -d '\\n')"
"""

_ADD = """\
f={path}
base64 -d >"$t/add" || exit 1
mkdir -p -- "${{f%/*}}" || exit 1
n=${{f%/*}}/.${{f##*/}}.opsrun-new
trap 'rm -rf "$t" "$n"' EXIT
: >"$n" || exit 1
if [ -e "$f" ]; then
  case $(head -n 1 "$f" | tr -d '\\0') in
    *-----BEGIN*) own --dearmor <"$f" >"$n" || die "$f can't be read whole: nothing was written" ;;
    *) cat <"$f" >"$n" || exit 1 ;;
  esac
fi
cat "$t/add" >>"$n" && chmod 644 "$n" && mv -f -- "$n" "$f"
"""

_DROP = """\
drop() {
  f=$1
  shift
  rm -rf "$t/ring" && mkdir -m 700 "$t/ring" || exit 1
  gpg --homedir "$t/ring" --batch --quiet --import <"$f" 2>"$t/why"
  gpg --homedir "$t/ring" --batch --yes --quiet --delete-keys "$@" || exit 1
  n=${f%/*}/.${f##*/}.opsrun-new
  trap 'rm -rf "$t" "$n"' EXIT
  gpg --homedir "$t/ring" --batch --quiet --export >"$n" || exit 1
  gpgconf --homedir "$t/ring" --kill all 2>/dev/null
  # All the others are there still, or nothing is done: a ring may hold what gpg does not take.
  stay=$(($(told "$f" | grep -c '^pub') - $#))
  if [ "$(told "$n" | grep -c '^pub')" -ne "$stay" ]; then
    die "$f: its other keys could not all be kept, nothing was written: $(cat "$t/why")"
  fi
  if [ "$stay" -gt 0 ]; then
    chmod 644 "$n" && mv -f -- "$n" "$f" || exit 1
  else
    rm -f -- "$f" || exit 1
  fi
}
"""


@dataclass(frozen=True, slots=True)
class Key:
    """One of a keyring."""

    fingerprint: str
    ids: frozenset[str]
    """Long ones and fingerprints, of its subkeys, too."""
    listed: tuple[str, ...]
    """The long ones, in order."""

    def has(self, key_id: str) -> bool:
        """Whether it is called so, in short or at length."""
        return any(each.endswith(key_id) for each in self.ids)


@dataclass(frozen=True, slots=True)
class Keys:
    """What is trusted, and what came."""

    rings: dict[str, list[Key]]
    new: list[Key]
    content: bytes


@module(
    "apt_key",
    exclusive=[("data", "file", "keyserver", "url")],
)
class AptKey(StateModule[Keys]):
    """Trust a key for apt's repositories, or no longer."""

    key_id: str | None = option(
        name="id", doc="Eight to forty hexadecimal digits; to find out if it is there, and to go."
    )
    url: str | None = option(doc="Where the host fetches it.")
    data: str | None = option(doc="The key itself, armored.")
    file: str | None = option(kind="path", doc="A file on the host that holds it.")
    keyserver: str | None = option(doc="The server that is asked for the id.")
    keyring: str | None = option(
        kind="path", doc="The keyring that it goes to; /etc/apt/trusted.gpg if not said."
    )
    validate_certs: bool = option(True, doc="Whether the server at the URL has to be certified.")
    state: str = option("present", choices=("absent", "present"), doc="Whether it is trusted.")

    @property
    def _id(self) -> str:
        if self.key_id is None:
            return ""
        found = _ID.match(self.key_id.strip().replace(" ", ""))
        if found is None:
            raise ModuleError(f"id: expected 8 to 40 hexadecimal digits, found {self.key_id!r}")
        return found[1].upper()

    def inspect(self, context: Context) -> Inspection[Keys]:
        """The keyrings, and the key unless it is known to be there."""
        if not self._id and not any((self.url, self.data, self.file)):
            raise ModuleError("one of id, url, data and file says which key that is")
        if self.keyserver and not self._id:
            raise ModuleError("keyserver: which key? Say its id")
        return Inspection("".join(self._script()), _keys, environment=True)

    def _script(self) -> Iterator[str]:
        yield f"{_BEGIN}export LC_ALL=C\nhave=\n"
        every = f"{TRUSTED} /etc/apt/trusted.gpg.d/*.gpg /etc/apt/trusted.gpg.d/*.asc"
        rings = path_word(self.keyring) if self.keyring else every
        # Which key it is must be known before it is fetched, and whether it is needed.
        wanted = word(self._id or "none")
        yield f"""\
for f in {rings}; do
  if [ -f "$f" ]; then
    k=$(told "$f")
    say ring "$f" keys "$k"
    case $k in *{wanted}:*) have=y ;; esac
  fi
done
"""
        source = "".join(self._source())
        if source:
            yield f'if [ -z "$have" ]; then\n{source}{_TELL}fi\n'

    def _source(self) -> Iterator[str]:
        if self.state == "absent" and self._id:
            return
        if self.data is not None:
            yield f"printf '%s\\n' {word(self.data)} >\"$t/new\"\n"
        elif self.file is not None:
            yield f'cat -- {path_word(self.file)} >"$t/new" || exit 1\n'
        elif self.url is not None:
            insecure = "" if self.validate_certs else "y"
            yield f"u={word(self.url)}\ninsecure={insecure}\n{_FETCH}"
        elif self.keyserver is not None:
            yield (
                f"e=$(own --keyserver {word(self.keyserver)} --recv-keys {word(self._id)} 2>&1) || "
                f'die "$e"\nown --export >"$t/new"\n'
                'gpgconf --homedir "$t" --kill all 2>/dev/null\n'
            )

    def plan(self, state: Keys, context: Context) -> Plan:
        """Put it behind those that are there, or take it out of every keyring that has it."""
        key_id = self._id
        if not key_id:
            if not state.new:
                raise ModuleError("what was given is no key of OpenPGP")
            key_id = state.new[0].fingerprint
        holding = {
            path: [each for each in keys if each.has(key_id)] for path, keys in state.rings.items()
        }
        holding = {path: keys for path, keys in holding.items() if keys}
        given = (self.key_id or "").strip()
        plain = self._id or key_id[-16:]
        every = [one for keys in state.rings.values() for key in keys for one in key.listed]
        data = {
            "id": given or plain,
            "key_id": plain[-16:],
            "short_id": plain[-8:],
            "fp": plain,
            "before": [self._short(each) for each in every],
        }
        if bool(holding) == (self.state == "present"):
            return Plan(result=ModuleResult(data=data))
        if self.state == "present":
            return self._added(state, key_id, data, context.check)
        gone = {one for keys in holding.values() for key in keys for one in key.listed}
        if not context.check:
            data["after"] = [self._short(each) for each in every if each not in gone]
        drops = (
            f"drop {word(path)} {' '.join(each.fingerprint for each in keys)}\n"
            for path, keys in holding.items()
        )
        script = f"{_BEGIN}export LC_ALL=C\numask 022\n{_DROP}{''.join(drops)}"
        return Plan((Run(script),), ModuleResult(True, data=data))

    def _short(self, key_id: str) -> str:
        """As they are listed: as short as what was asked for."""
        return key_id[-8:] if len(self._id) == 8 else key_id

    def _added(self, state: Keys, key_id: str, data: dict[str, Any], check: bool) -> Plan:
        if not state.new:
            if any((self.url, self.data, self.file, self.keyserver)):
                raise ModuleError("what was given is no key of OpenPGP")
            raise ModuleError(f"there is no key {key_id}: say where it comes from")
        if not any(each.has(key_id) for each in state.new):
            found = ", ".join(each.fingerprint for each in state.new)
            raise ModuleError(f"what was given is not the key {key_id}, but {found}")
        if not check:
            new = [self._short(one) for key in state.new for one in key.listed]
            data["after"] = [*data["before"], *new]
        path = path_word(self.keyring) if self.keyring else TRUSTED
        script = f"{_BEGIN}umask 022\n{_ADD.format(path=path)}"
        run = Run(script, base64.b64encode(state.content))
        return Plan((run,), ModuleResult(True, data=data))


def _keys(answer: CommandResult) -> Keys:
    answers = Answers(answer)
    rings = zip(answers.every("ring"), answers.every("keys"), strict=True)
    return Keys(
        {path: _read(text.splitlines()) for path, text in rings},
        _read(answers.text("new").splitlines()),
        base64.b64decode(answers.text("bytes")),
    )


def _read(lines: Sequence[str]) -> list[Key]:
    """What ``gpg --with-colons`` lists: each key, with its subkeys behind it."""
    found: list[tuple[str, list[str]]] = []
    first = False
    for fields in (line.split(":") for line in lines):
        if fields[0] == "pub":
            found.append(("", []))
            first = True
        if not found:
            continue
        ids = found[-1][1]
        if fields[0] in ("pub", "sub") and len(fields) > 4:
            ids.append(fields[4])
        if fields[0] == "fpr" and len(fields) > 9:
            ids.append(fields[9])
            if first:
                found[-1] = (fields[9], ids)
                first = False
    return [
        Key(fingerprint, frozenset(ids), tuple(each for each in ids if len(each) == 16))
        for fingerprint, ids in found
        if fingerprint
    ]
