"""ini_file: options in sections of INI files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opsrun.modules.base import Diff, ModuleError, ModuleResult
from opsrun.modules.options import module, option
from opsrun.modules.permissions import described
from opsrun.modules.texts.editing import Change, Edited, PathModule
from opsrun.modules.texts.ini import Sought, Wanted, edited, plain
from opsrun.modules.texts.reading import Text
from opsrun.modules.wording import path_bytes, path_of, text_of


@module("community.general.ini_file", exclusive=(("value", "values"),))
class IniFile(PathModule):
    """See to it that an option of an INI file has a value, or that it or its section is gone."""

    path: str = option(required=True, kind="path", aliases=("dest",), doc="Which file.")
    section: str | None = option(doc="Its section; none for what stands before the first.")
    section_has_values: list[Any] | None = option(
        elements="dict",
        doc="Which of several sections of that name: with these, each ``option`` and ``value``.",
    )
    named: str | None = option(name="option", doc="Its name; none for the section as a whole.")
    value: str | None = option(doc="What it is to be.")
    values: list[str] | None = option(
        elements="str", doc="The same for one that stands there often."
    )
    state: str = option("present", choices=("absent", "present"), doc="Whether it is to be there.")
    exclusive: bool = option(True, doc="Whether other values of it go.")
    no_extra_spaces: bool = option(False, doc="Whether no space stands around ``=``.")
    ignore_spaces: bool = option(False, doc="Whether spaces around ``=`` make no difference.")
    allow_no_value: bool = option(False, doc="Whether it may stand there without a value.")
    modify_inactive_option: bool = option(
        True, doc="Whether one that is commented out is taken for it."
    )
    create: bool = option(True, doc="Whether a file that is not there is made.")
    follow: bool = option(False, doc="Whether a link is followed; else a file takes its place.")

    def edit(self, text: Text) -> Edited:
        """See `TextModule.edit`."""
        values = self._values()
        if self.state == "present" and not self.allow_no_value and not values:
            words = "value or values are needed with state=present, unless allow_no_value is set"
            raise ModuleError(words)
        if not text.exists and not self.create:
            raise ModuleError(f"Destination {text.path} does not exist!", rc=257)
        wanted = Wanted(
            self.named or None,
            tuple(values),
            present=self.state == "present",
            exclusive=self.exclusive,
            spaces=not self.no_extra_spaces,
            ignore_spaces=self.ignore_spaces,
            bare=self.allow_no_value,
            comments=self.modify_inactive_option,
        )
        before = plain(path_of(text.content))
        after, msg = edited(before, self.section, self._sought(), wanted)
        # The end of the last line is made good in any case.
        changed = msg != "OK" or (before != "" and not before.endswith("\n"))
        content = path_bytes(after) if changed else text.content
        return Edited(content, msg, made=changed, shown=(before, after))

    def result(self, change: Change) -> ModuleResult:
        """See `TextModule.result`."""
        path, told = change.text.path, change.context.diff
        header = f"{path} (content)"
        before, after = map(_shown, change.edited.shown or ("", "")) if told else ("", "")
        kept = {"backup_file": change.backup} if change.backup else {}
        data = {"path": path, **described(change.text.seen), **kept}
        diff = Diff(before, after, header, header, alone=True)
        return ModuleResult(msg=change.edited.msg, data=data, diff=(diff,))

    @property
    def follows(self) -> bool:
        """See `TextModule.follows`."""
        return self.follow

    def _values(self) -> list[str]:
        if self.value is not None:
            return [self.value]
        return list(dict.fromkeys(self.values or ()))

    def _sought(self) -> list[Sought]:
        return [_sought(each) for each in self.section_has_values or ()]


def _sought(told: Mapping[str, Any]) -> Sought:
    """One entry of ``section_has_values``. ModuleError: it is none."""
    unknown = sorted(set(map(str, told)) - {"option", "value", "values"})
    if unknown:
        words = f"section_has_values takes option, value and values, found {', '.join(unknown)}"
        raise ModuleError(words)
    name, value, values = (told.get(key) for key in ("option", "value", "values"))
    if name is None:
        raise ModuleError("section_has_values: each needs an option")
    if value is not None and values is not None:
        raise ModuleError("section_has_values: only one of value and values for each")
    if value is not None:
        return Sought(str(name), (str(value),))
    several = values if isinstance(values, Sequence) and not isinstance(values, str) else [values]
    return Sought(str(name), tuple(str(each) for each in several if each is not None))


def _shown(text: str) -> str:
    return text_of(path_bytes(text))
