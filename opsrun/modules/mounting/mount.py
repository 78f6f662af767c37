"""mount: file systems in their places, and in the table of what is mounted at boot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from opsrun.modules.base import Context, Inspection, ModuleError, ModuleResult, Plan, StateModule
from opsrun.modules.looking import Answers
from opsrun.modules.mounting.fstab import Entry, Table, not_at_boot
from opsrun.modules.mounting.mounts import Mounted, mounted_at
from opsrun.modules.options import module, option
from opsrun.modules.permissions import Wish, argument
from opsrun.modules.requests import Run
from opsrun.modules.texts.reading import Text, parse_read, read_script
from opsrun.modules.texts.writing import Writing
from opsrun.modules.wording import path_bytes, path_of, path_word, word
from opsrun.remote.command import CommandResult

_TABLE = "/etc/fstab"
_MOUNTS = ("mounted", "ephemeral")

# Comes before the table, which is the last that is told.
_LOOK = r"""
tell() { printf '%s\0' "$1" "$2"; }
tell point "$point"
r=$(readlink -f -- "$point" 2>/dev/null)
tell where "${r:-$point}"
if [ -d "$point" ]; then
  tell folder y
elif [ -e "$point" ] || [ -h "$point" ]; then
  tell folder n
fi
case $src in
  [A-Z]*=*) r=$(findfs "$src" 2>/dev/null) ;;
  *) r=$src ;;
esac
case $r in
  /*) r=$(readlink -f -- "$r" 2>/dev/null || printf '%s' "$r") ;;
esac
tell source "$r"
for d in /dev/mapper/*; do
  if [ -h "$d" ]; then
    tell device "$d"
    tell behind "$(readlink -f -- "$d")"
  fi
done
if [ ! -r /proc/self/mountinfo ]; then
  echo 'there is no /proc/self/mountinfo on this host: what is mounted is not known' >&2
  exit 1
fi
tell mounts "$(cat /proc/self/mountinfo)"
"""

_BUSY = r"""
busy() {
  printf '%s\n' "$1" >&2
  case $1 in
    *busy*) if command -v fuser >/dev/null 2>&1; then
      echo "in use by the processes: $(fuser -m "$point" 2>/dev/null)" >&2
    fi ;;
  esac
  exit 1
}
"""


@dataclass(frozen=True, slots=True)
class Found:
    """What is mounted, and what the table says."""

    text: Text
    path: str
    """With homes and variables in it replaced."""
    real: str
    """Where links in it lead to."""
    folder: str
    """``y`` for a directory, ``n`` for anything else; empty where there is nothing."""
    source: str
    """The wanted one, if it is a device: as the kernel calls it."""
    mounted: Mounted | None

    @property
    def table(self) -> Table:
        """The table's text."""
        return Table(path_of(self.text.content))


@module(
    "ansible.posix.mount",
    required_if=(
        ("state", "mounted", ("src", "fstype")),
        ("state", "present", ("src", "fstype")),
        ("state", "ephemeral", ("src", "fstype")),
    ),
)
class Mount(StateModule[Found]):
    """See to it that a file system is mounted, or that the table of mounts has it, or neither."""

    ahead = True

    path: str = option(required=True, kind="path", aliases=("name",), doc="Where it is seen.")
    state: str = option(
        required=True,
        choices=(
            "absent",
            "absent_from_fstab",
            "mounted",
            "present",
            "unmounted",
            "remounted",
            "ephemeral",
        ),
        doc="``mounted``: now and at boot; ``present``: at boot; ``ephemeral``: now; "
        "``unmounted``: not now; ``absent_from_fstab``: not at boot; ``absent``: neither, and the "
        "directory goes; ``remounted``: once more, if it is.",
    )
    src: str | None = option(kind="path", doc="The device, the server's path, the directory …")
    fstype: str | None = option(doc="Its type, as mount(8) has it.")
    opts: str | None = option(doc="Options, as fstab(5) has them.")
    dump: str = option("0", doc="Whether dump(8) saves it.")
    passno: str = option("0", doc="When fsck(8) looks at it.")
    fstab: str | None = option(kind="path", doc="The table, where it is not ``/etc/fstab``.")
    boot: bool = option(True, doc="Whether it is mounted at boot; else ``noauto`` is added.")
    backup: bool = option(False, doc="Whether the old table is kept beside it.")

    # -- what there is

    def inspect(self, context: Context) -> Inspection[Found]:
        """What is mounted there, and the table."""
        for name, value in (("path", self.path), ("src", self.src)):
            if value is not None and (not value.strip() or value.startswith("#")):
                raise ModuleError(f"{name}: {value!r} would be no field of a line of fstab(5)")
        for name, value in (("dump", self.dump), ("passno", self.passno)):
            if value and not (value.isascii() and value.isdigit()):
                raise ModuleError(f"{name}: {value!r} is no number, as fstab(5) has it")
        names = f"point={path_word(self.path)}\nsrc={path_word(self.src) if self.src else ''}\n"
        script = f"{names}{_LOOK}{read_script(self.fstab or _TABLE, Wish())}"
        return Inspection(script, self._found)

    def _found(self, answer: CommandResult) -> Found:
        text = parse_read(answer, Wish(), check=True)
        answers: Answers = text.answers
        real, source = answers.text("where"), answers.text("source")
        devices = dict(zip(answers.every("device"), answers.every("behind"), strict=True))
        mounted = mounted_at(answers.text("mounts"), real)
        if mounted is not None:
            mounted = replace(mounted, src=devices.get(mounted.src, mounted.src))
        return Found(text, answers.text("point"), real, answers.text("folder"), source, mounted)

    @property
    def _options(self) -> str:
        opts = self.opts or "defaults"
        return opts if self.boot else not_at_boot(opts)

    def _entry(self, state: Found) -> Entry:
        return Entry(
            self.src or "",
            state.path,
            self.fstype or "",
            self._options,
            self.dump or "0",
            self.passno or "0",
        )

    # -- what has to change

    def plan(self, state: Found, context: Context) -> Plan:
        """See `state`."""
        after, lines, warnings = self._wanted(state)
        result = ModuleResult(data=self._data(state), warnings=tuple(warnings))
        steps = "".join(lines)
        if after == state.table and not steps:
            return Plan(result=result)
        written = after != state.table
        kept = ""
        if self.backup and written and state.text.exists and not context.check:
            kept = f"{state.text.path}.{state.text.answers.text('stamp')}"
        data = {**result.data, "backup_file": kept}
        content = path_bytes(after.text)
        script = f"point={word(state.path)}\n{_BUSY}{steps}"
        if written:
            script += f"(\n{Writing(state.text, content, kept).script()}) || {self._undone(state)}"
        if self.state == "absent" and state.folder == "y":
            script += 'rmdir -- "$point" || exit\n'
        run = Run(script, content if written else None)
        return Plan((run,), replace(result, changed=True, data=data))

    def _data(self, state: Found) -> dict[str, Any]:
        told = {"name": state.path, "opts": self._options, "dump": self.dump or "0"}
        told |= {"passno": self.passno or "0", "fstab": self.fstab or _TABLE}
        told |= {"boot": "yes" if self.boot else "no", "backup_file": ""}
        given = {"src": self.src, "fstype": self.fstype}
        return {**told, **{key: value for key, value in given.items() if value is not None}}

    def _wanted(self, state: Found) -> tuple[Table, list[str], list[str]]:
        """The table as it shall be, lines of a script that come before, and what is to be told."""
        entry, table, there = self._entry(state), state.table, state.mounted is not None
        warnings = list(table.doubts(entry))
        if self.state in ("absent", "absent_from_fstab"):
            after = table.without(entry)
            if self.state == "absent" and after != table:
                return after, list(self._unmounting()) if there else [], warnings
            if self.state == "absent" and there:
                warnings.append(f"{state.path} is mounted, but by no table: see state=unmounted")
            return after, [], warnings
        if self.state == "unmounted":
            return table, list(self._unmounting()) if there else [], []
        if self.state == "remounted":
            return table, list(self._again(state, self.opts)), []
        if self.state == "present":
            return table.with_entry(entry), [], warnings
        if self.state == "ephemeral":
            return table, list(self._for_now(state)), []
        after = table.with_entry(entry)
        return after, list(self._mounted(state, after != table)), warnings

    def _mounted(self, state: Found, other: bool) -> Iterator[str]:
        if state.mounted is None:
            yield from self._mounting(state)
        elif self._elsewhere(state, state.mounted):
            yield from self._unmounting()
            yield from self._mounting(state)
        elif other:
            yield from self._again(state, self._options)

    def _elsewhere(self, state: Found, mounted: Mounted) -> bool:
        """Whether it is certain that another device is mounted there."""
        devices = state.source, mounted.src
        plain = all(each.startswith("/dev/") for each in devices)
        return plain and mounted.src not in ("/dev/root", state.source)

    def _for_now(self, state: Found) -> Iterator[str]:
        if state.mounted is None:
            yield from self._mounting(state)
            return
        if state.mounted.src not in (self.src, state.source) and not self._bound:
            words = f"{state.path} is a mount already, of {state.mounted.src} and not of {self.src}"
            raise ModuleError(words)
        yield from self._again(state, self._options)

    @property
    def _bound(self) -> bool:
        return bool({"bind", "rbind"} & set(self._options.split(",")))

    # -- how

    def _mounting(self, state: Found) -> Iterator[str]:
        if state.folder == "n" and not self._bound:
            raise ModuleError(f"{state.path} is no directory: nothing can be mounted there")
        if not state.folder:
            yield '(umask 022 && mkdir -p -- "$point") || exit\n'
        words = f"-t {argument(self.fstype or '')} -o {argument(self._options)}"
        gone = "" if state.folder else ' rmdir -- "$point";'
        yield f'e=$(mount {words} {argument(self.src or "")} "$point" 2>&1 </dev/null) || '
        yield f"{{{gone} printf '%s\\n' \"$e\" >&2; exit 1; }}\n"
        if self._bound and {"ro", "noexec", "nosuid", "nodev"} & set(self._options.split(",")):
            # The kernel takes other options of a bound directory only once it is there.
            yield from self._again(state, self._options)

    def _again(self, state: Found, opts: str | None) -> Iterator[str]:
        # ``bind`` keeps the options from being those of the whole file system.
        bound = state.mounted is not None and state.mounted.root != "/"
        words = ["remount", *(["bind"] if bound or self._bound else [])]
        more = [each for each in (opts or "").split(",") if each not in ("", "bind", "rbind")]
        told = ",".join([*words, *more])
        yield f'e=$(mount -o {argument(told)} "$point" 2>&1 </dev/null) || busy "$e"\n'

    def _unmounting(self) -> Iterator[str]:
        yield 'e=$(umount "$point" 2>&1 </dev/null) || busy "$e"\n'

    def _undone(self, state: Found) -> str:
        """What is done where the table could not be written."""
        if self.state == "mounted" and state.mounted is None:
            return '{ umount "$point" </dev/null; exit 1; }\n'
        return "exit\n"
