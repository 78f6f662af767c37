"""docker_image_pull: an image of a registry's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opsrun.modules.base import (
    Context,
    Diff,
    Inspection,
    ModuleError,
    ModuleResult,
    Plan,
    StateModule,
)
from opsrun.modules.containers.daemon import DOING, LOOKING, Daemon, full_name, loaded, step
from opsrun.modules.looking import Answers
from opsrun.modules.options import module, option
from opsrun.modules.requests import Run
from opsrun.modules.wording import text_of
from opsrun.remote.command import CommandResult

Image = Mapping[str, Any] | None


@module("community.docker.docker_image_pull")
class DockerImagePull(Daemon, StateModule[Image]):
    """Pull an image of a registry's."""

    called_: str = option(required=True, name="name", doc="Its name, with a tag or a digest.")
    tag: str = option("latest", doc="Its tag, where the name has none.")
    pull: str = option(
        "always", choices=("always", "not_present"), doc="Whether it is pulled though it is there."
    )
    platform: str | None = option(doc="For which machine, ``OS[/ARCH[/VARIANT]]``.")

    def inspect(self, context: Context) -> Inspection[Image]:
        """The image that has that name."""
        script = f"{LOOKING}ask image {self.docker('image', 'inspect', self._name())}\n"
        return Inspection(script, _image, cap=8 << 20, environment=True)

    def _name(self) -> str:
        return full_name(self.called_, self.tag)

    def plan(self, state: Image, context: Context) -> Plan:
        """Pulled, or there; what changes is known only when it is."""
        name, now = self._name(), (state or {}).get("Id")
        told = {"id": now} if now else {"exists": False}
        if state is not None and self.pull == "not_present" and self._fits(state):
            same = Diff(told, told, alone=True)
            return Plan(result=ModuleResult(data={"actions": [], "image": state}, diff=(same,)))
        diff = Diff(told, {"id": "unknown"}, alone=True)
        data = {"actions": [f"Pulled image {name}"], "image": state or {}}
        words = ("--platform", self.platform) if self.platform else ()
        script = DOING + step(self.docker("pull", "-q", *words, name))
        script += f"{self.docker('image', 'inspect', name)} </dev/null\n"
        return Plan((Run(script, environment=True, cap=8 << 20),),
                    ModuleResult(True, data=data, diff=(diff,)))  # fmt: skip

    def _fits(self, state: Mapping[str, Any]) -> bool:
        wanted = (self.platform or "").split("/")
        found = [str(state.get(key, "")) for key in ("Os", "Architecture", "Variant")]
        return not self.platform or found[: len(wanted)] == wanted

    def conclude(self, plan: Plan, answers: Sequence[Any]) -> ModuleResult:
        """Whether another image came."""
        return _concluded(plan.result, answers[-1])

    @classmethod
    def concluded(cls, recipe: Mapping[str, Any], answer: CommandResult) -> ModuleResult:
        """See `Module.concluded`."""
        if not answer.ok:
            raise ModuleError.of(answer)
        return _concluded(ModuleResult.from_dict(recipe["result"]), answer)


def _image(answer: CommandResult) -> Image:
    found: Image = loaded(Answers(answer).get("image"))
    return found


def _concluded(result: ModuleResult, answer: CommandResult) -> ModuleResult:
    image = loaded(text_of(answer.stdout)) or {}
    before = (result.data.get("image") or {}).get("Id")
    changed = image.get("Id") != before
    was = {"id": before} if before else {"exists": False}
    diff = Diff(was, {"id": image.get("Id")}, alone=True)
    return ModuleResult(changed, data={**result.data, "image": image}, diff=(diff,))
