"""docker_image: an image that is pulled, built, loaded, tagged, pushed, kept in a file, removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opsrun.modules.base import Context, Inspection, ModuleError, ModuleResult, Plan, StateModule
from opsrun.modules.containers.building import build_line, unknown
from opsrun.modules.containers.daemon import (
    DOING,
    LOOKING,
    Daemon,
    full_name,
    is_id,
    loaded,
    split_name,
    step,
)
from opsrun.modules.looking import Answers
from opsrun.modules.options import module, option
from opsrun.modules.requests import Run
from opsrun.modules.wording import path_word, text_of, word
from opsrun.remote.command import CommandResult

_SAY = "say() { printf '%s\\0' \"$@\"; }\n"
_FILED = r"""
if [ -f "$f" ]; then
  say archive "$(tar -xOf "$f" manifest.json 2>/dev/null)"
fi
"""


@dataclass(frozen=True, slots=True)
class Found:
    """What there is."""

    image: Mapping[str, Any] | None
    tagged: Mapping[str, Any] | None
    """The one that has the further name already."""
    archive: Any
    """The manifest of the file; None where there is no file."""
    loads: bool
    """Whether there is a file to load."""


def _judged(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    build = values.get("build")
    if isinstance(build, Mapping) and (wrong := unknown(build)):
        yield "build", f"there is no {wrong!r} to build with"


@module(
    "community.docker.docker_image",
    judged=_judged,
    required_if=(("source", "build", ("build",)), ("source", "load", ("load_path",))),
)
class DockerImage(Daemon, StateModule[Found]):
    """See to it that an image is there, or that it is gone."""

    called_: str = option(required=True, name="name", doc="Its name; a tag may follow.")
    tag: str = option("latest", doc="Its tag, where the name has none.")
    state: str = option("present", choices=("absent", "present"), doc="Whether it is there.")
    source: str | None = option(
        choices=("build", "load", "pull", "local"), doc="Where it comes from, for ``present``."
    )
    build: Mapping[str, Any] | None = option(
        doc="How it is built: ``path``, ``dockerfile``, ``args``, ``target``, ``nocache``, "
        "``pull``, ``labels``, ``network``, ``platform``, ``cache_from``, ``etc_hosts``, "
        "``shm_size``."
    )
    load_path: str | None = option(kind="path", doc="The host's file that it is loaded from.")
    pull: Mapping[str, Any] | None = option(doc="How it is pulled: ``platform``.")
    force_source: bool = option(False, doc="Whether it is fetched though it is there.")
    repository: str | None = option(doc="A further name for it.")
    force_tag: bool = option(False, doc="Whether that name is taken from another image.")
    push: bool = option(False, doc="Whether it is pushed to the registry of its name.")
    archive_path: str | None = option(kind="path", doc="The host's file that it is kept in.")
    force_absent: bool = option(False, doc="Whether it goes with all of its names.")

    # -- what there is

    def inspect(self, context: Context) -> Inspection[Found]:
        """The image, who has its further name, and the files."""
        if self.state == "present" and self.source is None:
            raise ModuleError("source is needed: build, load, pull or local")
        lines = [LOOKING, f"ask image {self.docker('image', 'inspect', self._name())}\n"]
        if self._further():
            lines.append(f"ask tagged {self.docker('image', 'inspect', self._further())}\n")
        if self.archive_path and self.state == "present":
            lines.append(f"f={path_word(self.archive_path)}\n{_FILED}")
        if self.load_path:
            lines.append(f"[ ! -f {path_word(self.load_path)} ] || say loads y\n")
        return Inspection("".join(lines), _found, cap=8 << 20, environment=True)

    def _name(self) -> str:
        return self.called_ if is_id(self.called_) else full_name(self.called_, self.tag)

    def _further(self) -> str:
        return full_name(self.repository, self.tag) if self.repository else ""

    # -- what has to change

    def plan(self, state: Found, context: Context) -> Plan:
        """One script for all of it."""
        if self.state == "absent":
            return self._absent(state)
        lines, actions, changed = [], [], False
        fetch = state.image is None or self.force_source
        if fetch and self.source == "local" and state.image is None:
            raise ModuleError(f"there is no image {self._name()} on the host")
        if fetch and self.source != "local":
            lines.append(self._fetch(state))
            actions.append(self._action())
            changed = True
        changed |= self._further_steps(state, fetch, lines, actions)
        image = state.image or {}
        data: dict[str, Any] = {"actions": actions, "image": image}
        result = ModuleResult(changed, data=data)
        if not lines:
            return Plan(result=result)
        told = f"i=$({self.docker('image', 'inspect', self._name())} </dev/null) || exit\n"
        script = f"{DOING}{_SAY}say before {word(str(image.get('Id', '')))}\n"
        script += f"say sure {'y' if self._surely(state, fetch) else 'n'}\n"
        script += f'{"".join(lines)}{told}say image "$i"\n'
        return Plan((Run(script, environment=True, cap=8 << 20),), result)

    def _surely(self, state: Found, fetch: bool) -> bool:
        """Whether more happens than that an image is fetched, which may turn out the same."""
        lines: list[str] = []
        return self._further_steps(state, fetch and self.source != "local", lines, [])

    def _further_steps(
        self, state: Found, fetched: bool, lines: list[str], actions: list[str]
    ) -> bool:
        changed, name = False, self._name()
        own = (state.image or {}).get("Id")
        if self.archive_path and (fetched or not _holds(state.archive, own, name)):
            path = path_word(self.archive_path)
            lines.append(step(f"{self.called()} save -o {path} {word(name)}"))
            actions.append(f"Archived image {name} to {self.archive_path}")
            changed = changed or not _holds(state.archive, own, name)
        further = self._further()
        there = (state.tagged or {}).get("Id")
        if further and (there is None or (there != own and self.force_tag)):
            lines.append(step(self.docker("tag", name, further)))
            actions.append(f"Tagged image {name} to {further}")
            changed = True
        if self.push:
            lines.append(step(self.docker("push", "-q", further or name)))
            actions.append(f"Pushed image {further or name}")
            changed = True
        return changed

    def _action(self) -> str:
        name = self._name()
        if self.source == "build":
            return f"Built image {name} from {(self.build or {}).get('path')}"
        return f"{'Loaded' if self.source == 'load' else 'Pulled'} image {name}" + (
            f" from {self.load_path}" if self.source == "load" else ""
        )

    def _fetch(self, state: Found) -> str:
        name = self._name()
        if self.source == "build":
            line = build_line(self.called(), name, self.build or {})
            return f'o=$({line} 2>&1 </dev/null) || {{ echo "$o" >&2; exit 1; }}\nsay stdout "$o"\n'
        if self.source == "pull":
            platform = (self.pull or {}).get("platform")
            words = ("--platform", str(platform)) if platform else ()
            return step(self.docker("pull", "-q", *words, name))
        if not state.loads:
            raise ModuleError(f"there is no file {self.load_path} to load {name} from")
        load = f"{self.called()} load -i {path_word(str(self.load_path))}"
        there = self.docker("image", "inspect", name)
        return (
            f'o=$({load} 2>&1 </dev/null) || {{ echo "$o" >&2; exit 1; }}\n'
            f"{there} >/dev/null 2>&1 </dev/null || {{\n"
            f"  printf 'no image %s in the file: %s\\n' {word(name)} \"$o\" >&2\n  exit 1\n}}\n"
            'say stdout "$o"\n'
        )

    def _absent(self, state: Found) -> Plan:
        if state.image is None:
            return Plan(result=ModuleResult(data={"actions": [], "image": {}}))
        name = self._name()
        names = [name]
        if self.force_absent:
            names = [*(state.image.get("RepoTags") or ()), str(state.image.get("Id"))]
        force = ("-f",) if self.force_absent else ()
        lines = [step(self.docker("rmi", *force, each)) for each in names[:1]]
        if self.force_absent:
            identity = str(state.image.get("Id"))
            lines = [step(self.docker("rmi", "-f", identity))]
        told = {"actions": [f"Removed image {name}"], "image": {"state": "Deleted"}}
        return Plan((Run(DOING + "".join(lines), environment=True),), ModuleResult(True, data=told))

    # -- what came of it

    def conclude(self, plan: Plan, answers: list[Any]) -> ModuleResult:  # type: ignore[override]
        """What was fetched again may have turned out the same."""
        return _concluded(plan.result, answers[-1])

    @classmethod
    def concluded(cls, recipe: Mapping[str, Any], answer: CommandResult) -> ModuleResult:
        """See `Module.concluded`."""
        if not answer.ok:
            raise ModuleError.of(answer)
        return _concluded(ModuleResult.from_dict(recipe["result"]), answer)


def _concluded(result: ModuleResult, answer: CommandResult) -> ModuleResult:
    if not answer.stdout:
        return result
    told = Answers(answer)
    image = loaded(told.get("image")) or {}
    changed = told.text("sure") == "y" or image.get("Id") != told.text("before")
    data = {**result.data, "image": image}
    if told.get("stdout") is not None:
        text = text_of(told.text("stdout").encode("utf-8", "surrogateescape"))
        data |= {"stdout": text, "stdout_lines": text.splitlines()}
    return ModuleResult(changed, data=data)


def _found(answer: CommandResult) -> Found:
    told = Answers(answer)
    archive = told.get("archive")
    manifest: Any = None
    if archive is not None:
        try:
            manifest = loaded(archive) or {}
        except ModuleError:
            manifest = {}
    return Found(
        loaded(told.get("image")), loaded(told.get("tagged")), manifest, told.text("loads") == "y"
    )


def _holds(archive: Any, identity: Any, name: str) -> bool:
    """Whether a file holds that image, by its manifest."""
    if not isinstance(archive, Mapping) or not identity:
        return False
    bare = str(identity).removeprefix("sha256:")
    repository, tag = split_name(name)
    return bare in str(archive.get("Config")) and f"{repository}:{tag}" in (
        archive.get("RepoTags") or ()
    )
