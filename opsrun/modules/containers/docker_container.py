"""docker_container: a container as it is wanted, made anew only where it has to be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from opsrun.modules.base import Context, ModuleError, ModuleResult, Steps
from opsrun.modules.containers.comparing import Found, Wishes
from opsrun.modules.containers.container_work import Manner, Work, worked_out
from opsrun.modules.containers.daemon import DOING, LOOKING, Daemon, full_name, is_id, loaded
from opsrun.modules.containers.properties import SHAPES
from opsrun.modules.looking import Answers
from opsrun.modules.options import module, option
from opsrun.modules.requests import Run
from opsrun.modules.wording import path_word, word
from opsrun.remote.command import CommandResult

_PULL = {"never": "never", "missing": "missing", "always": "always",
         "true": "always", "false": "missing", "yes": "always", "no": "missing"}  # fmt: skip
_COMPATIBLE: Mapping[str, Any] = {
    "auto_remove": False,
    "init": False,
    "interactive": False,
    "memory": 0,
    "paused": False,
    "privileged": False,
    "read_only": False,
    "tty": False,
}


def _judged(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    found = values.get("comparisons")
    if not isinstance(found, Mapping):
        return
    aliases = {"ports": "published_ports", "exposed": "exposed_ports", "log_opt": "log_options"}
    for name, way in found.items():
        shape = SHAPES.get(aliases.get(str(name), str(name)))
        ways = ["strict", "ignore", *(["allow_more_present"] if shape != "value" else [])]
        if name != "*" and shape is None:
            yield "comparisons", f"there is no property {name!r} to compare"
        elif name == "*" and way not in ("strict", "ignore"):
            yield "comparisons", f"'*' can be strict or ignore, found {way!r}"
        elif isinstance(way, str) and "{{" not in way and way not in ways:
            yield "comparisons", f"{name} can be {', '.join(ways)}, found {way!r}"


@module("community.docker.docker_container", judged=_judged)
class DockerContainer(Daemon, Wishes):
    """See to it that a container is there as it is wanted, that it runs, or that it is gone."""

    called_: str = option(required=True, name="name", doc="Its name.")
    image: str | None = option(doc="What it is made of: a name with a tag, or an identity.")
    state: str = option(
        "started",
        choices=("absent", "present", "healthy", "stopped", "started"),
        doc="``present``: there, whether it runs or not; ``healthy``: waited for until it is.",
    )
    pull: Any = option(
        "missing",
        kind="raw",
        doc="Whether images are fetched: ``never``, ``missing`` or ``always``.",
    )
    pull_check_mode_behavior: str = option(
        "image_not_present",
        choices=("image_not_present", "always"),
        doc="When check mode says of ``pull: always`` that something changes.",
    )
    comparisons: Mapping[str, str] | None = option(
        kind="dict",
        doc="How options are compared: ``strict``, ``ignore``, ``allow_more_present``.",
    )
    recreate: bool = option(False, doc="Whether it is made anew in any case.")
    restart: bool = option(False, doc="Whether it is stopped and started in any case.")
    paused: bool | None = option(doc="Whether its processes stand still.")
    detach: bool | None = option(doc="Whether it is left to itself; else its end is waited for.")
    cleanup: bool = option(False, doc="Whether it is removed at that end.")
    output_logs: bool = option(False, doc="Whether ``msg`` has what it printed, then.")
    force_kill: bool = option(False, aliases=("forcekill",), doc="Whether it is killed to stop.")
    kill_signal: str | None = option(doc="Which signal kills it.")
    keep_volumes: bool = option(True, doc="Whether nameless volumes outlive it.")
    healthy_wait_timeout: float = option(300, doc="Seconds to wait for health; 0 for ever.")
    image_comparison: str = option(
        "desired-image",
        choices=("desired-image", "current-image"),
        doc="The image whose variables and labels are not counted as differences.",
    )
    image_name_mismatch: str = option(
        "recreate",
        choices=("recreate", "ignore"),
        doc="What to do where the same image was taken by another name.",
    )
    container_default_behavior: str = option(
        "no_defaults",
        choices=("no_defaults", "compatibility"),
        doc="Whether some options that are not given count as switched off.",
    )

    def steps(self, context: Context) -> Steps:
        """Look, fetch the image where that is due, compare, do."""
        looked = Run(self._script(), effect="reads", environment=True, cap=8 << 20)
        task = self._complete()
        found = task._found((yield looked))
        fetched = task._fetches(found)
        if fetched and not context.check:
            before = (found.image or {}).get("Id")
            answer = yield Run(f"{DOING}{task.docker('pull', '-q', task._image())}\n",
                               environment=True)  # fmt: skip
            _well(answer, f"{task._image()} can't be pulled")
            found = task._found((yield looked))
            fetched = before != (found.image or {}).get("Id")
        elif fetched and found.image is not None:
            fetched = self.pull_check_mode_behavior == "always"
        work = worked_out(task._manner(), task, found, check=context.check)
        if work.script and not context.check:
            answer = yield Run(DOING + work.script, work.data, environment=True, cap=8 << 20)
            _well(answer)
            return task._told(work, Answers(answer), fetched)
        result = work.result()
        if found.container is not None and self.state != "absent":
            result = replace(result, data={"container": found.container})
        return replace(result, changed=result.changed or fetched)

    def _complete(self) -> DockerContainer:
        made = self
        if self.container_default_behavior == "compatibility":
            given = {key: value for key, value in _COMPATIBLE.items() if getattr(self, key) is None}
            made = replace(made, **given)
        return made

    def _script(self) -> str:
        lines = [LOOKING, 'say home "$HOME"\n']
        name = word(self.called_)
        inspect = f"{self.called()} container inspect"
        lines.append(f"ask container {inspect} {name}\n")
        if self.state == "absent":
            return "".join(lines)
        lines.append(
            f"if i=$({inspect} -f '{{{{.Image}}}}' {name} 2>/dev/null </dev/null); then\n"
            f'  ask own {self.called()} image inspect "$i"\nfi\n'
        )
        if self.image:
            lines.append(f"ask image {self.docker('image', 'inspect', self._image())}\n")
        if self.env_file:
            path = path_word(self.env_file)
            lines.append(f'v=$(cat <{path} && echo x) || exit\nsay variables "${{v%x}}"\n')
        for mode in (self.network_mode, self.pid_mode, self.ipc_mode):
            if mode and mode.startswith("container:"):
                other = mode.partition(":")[2]
                asked = self.docker("container", "inspect", "-f", "{{.Id}}", other)
                lines.append(f"ask {word(f'other.{other}')} {asked}\n")
        return "".join(lines)

    def _image(self) -> str:
        assert self.image is not None
        return self.image if is_id(self.image) else full_name(self.image)

    def _found(self, answer: CommandResult) -> Found:
        told = Answers(answer)
        return Found(
            loaded(told.get("container")),
            loaded(told.get("image")),
            loaded(told.get("own")),
            told.text("variables"),
            told.text("home"),
            {name: value.strip() for name, value in told.below("other.").items()},
        )

    def _pulls(self) -> str:
        way = _PULL.get(str(self.pull).lower())
        if way is None:
            raise ModuleError(f"pull can be never, missing or always, found {self.pull!r}")
        return way

    def _fetches(self, found: Found) -> bool:
        way = self._pulls()
        if self.state == "absent" or not self.image:
            return False
        if is_id(self.image) or way == "never":
            if found.image is None:
                raise ModuleError(f"there is no image {self.image}, and it isn't pulled")
            return False
        return way == "always" or found.image is None

    def _manner(self) -> Manner:
        chosen = {str(key): way for key, way in (self.comparisons or {}).items()}
        for alias, name in (("ports", "published_ports"), ("exposed", "exposed_ports"),
                            ("log_opt", "log_options")):  # fmt: skip
            if alias in chosen:
                chosen[name] = chosen.pop(alias)
        return Manner(
            name=self.called_,
            image=self.image,
            state=self.state,
            docker=self.called(),
            comparisons=chosen,
            recreate=self.recreate,
            restart=self.restart,
            paused=self.paused,
            waits=self.detach is False,
            cleanup=self.cleanup,
            logs=self.output_logs,
            kill=self.force_kill,
            signal=self.kill_signal,
            patience=self.stop_timeout,
            keeps=self.keep_volumes,
            health=self.healthy_wait_timeout,
            own_image=self.image_comparison == "current-image",
            names_differ=self.image_name_mismatch == "recreate",
        )

    def _told(self, work: Work, told: Answers, fetched: bool) -> ModuleResult:
        result = work.result()
        container = loaded(told.get("container"))
        data: dict[str, Any] = {"container": container} if container else {}
        status = told.number("status")
        if status is None:
            return replace(result, data=data)
        output = told.text("logs")
        data = {"status": status, "container": {**(container or {}), "Output": output}}
        return replace(result, data=data, failed=status != 0, msg=output if status != 0 else None)


def _well(answer: CommandResult, msg: str = "") -> None:
    if not answer.ok:
        raise ModuleError.of(answer, msg)
