"""What is on the host already, copied to another place there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from opsrun.modules.base import Context, ModuleError, ModuleResult, Steps
from opsrun.modules.labels import chattr
from opsrun.modules.looking import ABOVE, LOOK, Answers, Seen, unblocked
from opsrun.modules.permissions import Wanted, Wish, argument, described
from opsrun.modules.placing import SURROUNDINGS, written_over
from opsrun.modules.requests import Run
from opsrun.modules.wording import path_word, word

_PLACE = """\
say path "$path"
at src "$src" -L
case $src in
  */) base= ;;
  *) base=${src##*/} ;;
esac
file=$path
if [ -d "$path" ]; then say into y; fi
if [ -n "$base" ] && { [ -d "$path" ] || [ -d "$src" ]; }; then
  file=${path%/}/$base
elif [ ! -d "$src" ]; then
  case $path in */) file=$path$base ;; esac
fi
at file "$file"
if [ -h "$file" ] && [ -e "$file" ] && [ -n "$follow" ]; then
  r=$(readlink -f -- "$file" 2>/dev/null && echo x)
  file=${r%?x}
  at real "$file"
fi
case $file in
  */*) d=${file%/*} ;;
  *) d=. ;;
esac
d=${d:-/}
say folder "$d"
if [ -d "$d" ]; then say parent y; fi
ABOVE
if [ -f "$src" ] && [ -r "$src" ]; then
  digested sha1 "$src"
  say sha1 "$x"
  digested md5 "$src"
  say md5 "$x"
  if [ ! -h "$file" ] && [ -f "$file" ] && cmp -s -- "$src" "$file"; then say same y; fi
fi
""".replace("ABOVE\n", ABOVE)

# The names are handed on in portions; the first difference is enough.
_COMPARE = """\
if [ -d "$src" ] && [ -d "$file" ]; then
  to=$(cd -P -- "$file" && pwd -P && echo x)
  to=${to%?x}
  export to
  n=$(cd -- "$src" && find . -exec sh -c '
    for f; do
      if [ -h "$f" ]; then
        [ -h "$to/$f" ] && [ "$(readlink "$f")" = "$(readlink "$to/$f")" ] || echo n
      elif [ -d "$f" ]; then
        [ -d "$to/$f" ] || echo n
      elif [ -f "$f" ]; then
        cmp -s -- "$f" "$to/$f" || echo n
      else
        [ -e "$to/$f" ] || echo n
      fi
    done' sh {} +)
  [ -n "$n" ] || say same y
fi
"""

# Links that lead to nothing, or to a directory that they are in, are what they were; all others
# are followed. `above` has, a line each, the directories in which those that led here are.
_WALK = r"""
# shellcheck disable=SC2089 # its quotes are for the shell that evaluates it
walk='
to=$1 above=$2
shift 2
for f; do
  n=$to/$f
  odd=
  if [ -h "$f" ] && [ -d "$f" ]; then
    there=$(cd -P -- "$f" && pwd -P)
    here=$(cd -P -- "${f%/*}" && pwd -P)
    next="$above$here/
"
    case $next in *"
${there%/}/"*) odd=y ;; esac
  elif [ ! -e "$f" ]; then
    odd=y
  fi
  if [ -n "$odd" ]; then
    [ -n "$copying" ] || echo odd
    if [ -h "$n" ] && [ "$(readlink "$f")" = "$(readlink "$n")" ]; then continue; fi
    [ -n "$copying" ] || { echo n; continue; }
    if [ -h "$n" ] || [ -f "$n" ]; then rm -f -- "$n"; fi
    ln -s -- "$(readlink "$f")" "$n" || exit
  elif [ -d "$f" ]; then
    if [ ! -d "$n" ]; then
      if [ -n "$copying" ]; then mkdir -- "$n" || exit; else echo n; fi
    fi
    if [ -h "$f" ]; then
      (cd -- "$f" && find . -exec sh -c "eval \"\$walk\"" sh "$n" "$next" {} +) || exit
    fi
  elif [ -n "$copying" ]; then
    if [ -f "$f" ]; then cp -- "$f" "$n"; else cp -R -P -- "$f" "$n"; fi || exit
  elif [ -f "$f" ]; then
    cmp -s -- "$f" "$n" || echo n
  else
    [ -e "$n" ] || echo n
  fi
done'
copying=
# shellcheck disable=SC2090 # the same
export walk copying
"""

_COMPARE_FOLLOWED = (
    _WALK
    + r"""
if [ -d "$src" ]; then
  to=$(cd -P -- "$file" 2>/dev/null && pwd -P && echo x)
  to=${to%?x}
  cd -- "$src" || exit
  if [ -n "$to" ]; then
    n=$(find . -exec sh -c 'eval "$walk"' sh "$to" '
' {} + 2>/dev/null)
  else
    n=$(find . -type l -exec sh -c 'eval "$walk"' sh /dev/null '
' {} + 2>/dev/null)
  fi
  cd - >/dev/null || exit
  case $n in *odd*) say odd y ;; esac
  case $n in *n*) ;; *) [ -z "$to" ] || say same y ;; esac
fi
"""
)

_STAGED = r"""
trap 'rm -f -- "$t"' EXIT
trap 'exit 143' HUP INT TERM
inside=
e=$( (umask 077 && cp -- NAME "$t") 2>&1) || {
  rm -f -- "$t" 2>/dev/null
  [ -n "UNSAFE" ] || { printf '%s\n' "$e" >&2; exit 1; }
  inside=y
  t=${TMPDIR:-/tmp}/.opsrun-$$-new
  (umask 077 && set -C && cat <NAME >"$t") || exit
}
"""


@dataclass(frozen=True, slots=True)
class RemoteCopy:
    """A file or directory of the host's that is to be somewhere else there, too."""

    src: str
    dest: str
    wish: Wish
    directory_mode: int | str | None
    backup: bool
    force: bool
    follow: bool
    local_follow: bool
    validate: str
    checksum: str | None
    unsafe_writes: bool = False

    def steps(self, context: Context) -> Steps:
        """Look, compare, copy there."""
        answer = yield Run("".join(self._script()), effect="reads")
        answers = Answers(answer)
        src = answers.seen("src", lenient=True)
        if not src.exists:
            raise ModuleError(f"Source {src.path} not found")
        if not (src.is_file or src.is_dir):
            raise ModuleError(f"Source {src.path} is not a file, nor a directory", src=src.path)
        self._checked(answers)
        key = "real" if answers.get("real") is not None else "file"
        seen = answers.seen(key, lenient=True)
        wanted = self._wanted(src, answers, check=context.check)
        same = answers.get("same") is not None or (seen.exists and not self.force)
        change = wanted.against(seen) if seen.exists and not seen.is_link else None
        changed = not same or bool(change)
        data: dict[str, Any] = {"dest": self._shown(src, seen, answers), "src": src.path}
        data |= {"md5sum": answers.get("md5"), "checksum": answers.get("sha1")}
        if seen.exists and not self.force:
            known = {"dest": data["dest"], "src": src.path, **described(seen)}
            return ModuleResult(msg="file already exists", data=known)
        if not seen.exists:
            unblocked(answers, seen.path)
        if same and change and not context.check:
            yield from _done("".join(change.lines(seen.path)))
        elif not same:
            self._sound(src, seen)
        if not same and not context.check:
            self._parent(src, answers)
            yield from _done("".join(self._lines(src, seen, wanted, answers)))
            if self.backup and seen.is_file:
                data["backup_file"] = f"{seen.path}.{answers.text('stamp')}"
        after = seen
        if changed and not context.check:
            told = yield Run(f"{LOOK}at after {word(seen.path)}\n", effect="reads")
            after = Answers(told).seen("after")
        return ModuleResult(changed, data=data | described(after), warnings=wanted.warnings)

    def _script(self) -> Iterator[str]:
        yield f"{LOOK}{self.wish.asking()}path={path_word(self.dest)}\nsrc={path_word(self.src)}\n"
        yield f"follow={'y' if self.follow else ''}\n{SURROUNDINGS}{_PLACE}"
        yield _COMPARE_FOLLOWED if self.local_follow else _COMPARE
        yield self.wish.script()

    def _shown(self, src: Seen, seen: Seen, answers: Answers) -> str:
        """What results have for ``dest``, which is not always where a directory comes to be."""
        if not src.is_dir:
            return seen.path
        if answers.get("into") is None:
            return answers.text("path")
        return seen.path.rstrip("/") + "/" if self.src.endswith("/") else seen.path

    def _checked(self, answers: Answers) -> None:
        found = answers.text("sha1")
        if self.checksum is not None and self.checksum.lower() != found:
            words = "Copied file does not match the expected checksum. Transfer failed."
            raise ModuleError(words, checksum=found, expected_checksum=self.checksum)

    def _wanted(self, src: Seen, answers: Answers, *, check: bool) -> Wanted:
        wish = self.wish
        if wish.mode == "preserve":
            wish = replace(wish, mode=None if src.is_dir else src.mode)
        elif src.is_dir:
            wish = replace(wish, mode=self.directory_mode)
        return wish.resolved(answers, check=check)

    def _sound(self, src: Seen, seen: Seen) -> None:
        if src.is_dir and seen.exists and not seen.is_dir:
            raise ModuleError(f"cannot overwrite {seen.path}: it is no directory")
        if not src.is_dir and seen.is_dir:
            raise ModuleError(f"{seen.path} is a directory")
        if self.validate and "%s" not in self.validate:
            raise ModuleError(f"validate must contain %s: {self.validate}")

    def _parent(self, src: Seen, answers: Answers) -> None:
        """In check mode it may be missing: another task makes it."""
        below = self.dest.endswith("/")
        if answers.get("parent") is None and not src.is_dir and not below:
            raise ModuleError(f"Destination directory {answers.text('folder')} does not exist")

    def _lines(self, src: Seen, seen: Seen, wanted: Wanted, answers: Answers) -> Iterator[str]:
        yield f"umask {wanted.umask:03o}\n"
        for name in answers.every("new")[::-1]:
            yield f"mkdir -- {argument(name)} || [ -d {argument(name)} ] || exit\n"
        if src.is_dir:
            yield from self._directory(src, seen, wanted, answers.get("odd") is not None)
        else:
            yield from self._file(src, seen, wanted, answers)
            yield from wanted.settling(seen.path, seen if seen.is_file else Seen(seen.path))

    def _directory(self, src: Seen, seen: Seen, wanted: Wanted, odd: bool) -> Iterator[str]:
        name = argument(seen.path.rstrip("/") or "/")
        links = "-L" if self.local_follow else "-P"
        yield f"[ -d {name} ] || mkdir -- {name} || [ -d {name} ] || exit\n"
        if odd:
            yield f"{_WALK}copying=y\nto=$(cd -P -- {name} && pwd -P) || exit\n"
            yield f"(cd -- {argument(src.path)} && find . -exec "
            yield 'sh -c "eval \\"\\$walk\\"" sh "$to" "\n" {} +) || exit\n'
        else:
            yield f"cp -R {links} -- {argument(src.path)}/. {name}/ || exit\n"
        if wanted.uid is not None or wanted.gid is not None:
            owner = "" if wanted.uid is None else str(wanted.uid)
            group = "" if wanted.gid is None else f":{wanted.gid}"
            yield f"chown -R -h {owner}{group} {name} || exit\n"
        if isinstance(self.wish.mode, int):
            yield f"find {name} -type f -exec chmod {self.wish.mode:04o} {{}} + || exit\n"
        if isinstance(wanted.mode, int):
            yield f"find {name} -type d -exec chmod 0{wanted.mode:04o} {{}} + || exit\n"
        labels = "".join(wanted.label.lines('"$@"'))
        if wanted.flags is not None:
            set_flags = chattr(wanted.flags.argument(None), '"$f"')
            labels += f'for f; do [ -h "$f" ] || {set_flags}done\n'
        if labels:
            yield f"find {name} -exec sh -c {word(labels)} sh {{}} + || exit\n"

    def _file(self, src: Seen, seen: Seen, wanted: Wanted, answers: Answers) -> Iterator[str]:
        path, name = argument(seen.path), argument(src.path)
        known = seen.exists and not seen.is_link
        own = seen.mode if known else 0o666 & ~wanted.umask
        staged = Seen("", 0o100600)
        uid, gid = wanted.uid, wanted.gid
        if known and answers.number("me") == 0:
            uid, gid = (seen.uid if uid is None else uid), (seen.gid if gid is None else gid)
        mode = wanted.mode_for(own, directory=False)
        owned = replace(wanted.plain, uid=uid, gid=gid, mode=mode).against(staged, new=True)
        script = f"t={path}.opsrun-$$\n{_STAGED}"
        yield script.replace("NAME", name).replace("UNSAFE", "y" if self._unsafe(seen) else "")
        # The name is known to the shell alone: the lines are made for a name that it replaces.
        for line in owned.lines("@"):
            yield line.replace(" @ ", ' "$t" ')
        yield f'chmod {mode:04o} "$t" || exit\n'
        if self.validate:
            command = self.validate.replace("%s", '"$t"')
            yield f"({command}) >&2 || exit\n"
        if self.backup and seen.is_file:
            yield f"cp -p -- {path} {word(seen.path + '.' + answers.text('stamp'))} || exit\n"
        if not self._unsafe(seen):
            yield f'mv -f -- "$t" {path} || exit\n'
            return
        over = written_over(seen.path, 'cat <"$n" >"$t" || exit', "", "")
        change = "".join(wanted.against(seen).lines(seen.path))
        yield f'if [ -n "$inside" ] || ! mv -f -- "$t" {path} 2>/dev/null; then\n(\nn=$t\n{over}'
        yield f"{change}) || exit\nfi\n"

    def _unsafe(self, seen: Seen) -> bool:
        return self.unsafe_writes and seen.is_file


def _done(script: str) -> Steps:
    answer = yield Run(script)
    if not answer.ok:
        raise ModuleError.of(answer)
    return ModuleResult()
