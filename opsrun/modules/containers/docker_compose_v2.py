"""docker_compose_v2: the services of a project, by the plug-in ``docker compose``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from opsrun.modules.background.job import Job
from opsrun.modules.base import Beginning, Context, ModuleError, ModuleResult, Steps
from opsrun.modules.containers.compose_events import (
    actions,
    changes,
    complaint,
    container,
    listed,
    warnings,
)
from opsrun.modules.containers.daemon import Daemon, each
from opsrun.modules.looking import Answers
from opsrun.modules.options import module, option
from opsrun.modules.requests import Effect, Run
from opsrun.modules.users.entries import TOOLS
from opsrun.modules.wording import path_word, word
from opsrun.remote.command import CommandResult

_BEGIN = r"""
say() { printf '%s\0' "$@"; }
v=$(DOCKER compose version --short 2>&1 </dev/null) || {
  case $v in *'unknown flag'* | *'unknown command'* | *'not a docker command'*)
    lack docker-compose ;;
  esac
  printf '%s\n' "$v" >&2
  exit 1
}
v=${v#v}
since() {
  a=${v%%.*}
  b=${v#*.}
  b=${b%%[!0-9]*}
  case $a in '' | *[!0-9]*) return 0 ;; esac
  [ "$a" -gt "$1" ] || { [ "$a" -eq "$1" ] && [ "${b:-0}" -ge "$2" ]; } || {
    echo "$3 needs docker compose $1.$2 or later; this host has $v" >&2
    exit 1
  }
}
since 2 18 docker_compose_v2
r=0
run() {
  printf 'progress\0'
  { o=$(go "$@" 2>&3 3>&-) || r=$?; } 3>&1
  printf '\0'
  say out "$o"
}
tell() {
  k=$1
  shift
  if o=$(list "$@" 2>/dev/null); then
    say "$k" "$o"
  elif [ "$r" -eq 0 ]; then
    list "$@" >/dev/null || exit
  fi
}
"""
"""``go`` is compose with the project, or a rehearsal of it; ``list`` is never a rehearsal. ``run``
passes on what compose tells while it works; ``tell KEY COMMAND…`` what it lists in the end, which
may fail where the work has failed."""

_THERE = r"""
[ -d "$d" ] || { echo "$d is no directory" >&2; exit 1; }
cd "$d" || exit
"""
_FILE = r"""
f=
for n in compose.yaml compose.yml docker-compose.yaml docker-compose.yml; do
  [ ! -f "$n" ] || f=$n
done
[ -n "$f" ] || {
  echo "$d has no compose.yaml, compose.yml, docker-compose.yaml or docker-compose.yml" >&2
  exit 1
}
"""
_STOP = r"""
if [ "$r" -eq 0 ]; then
  o=$(list ps -q --status running --status paused --status restarting -- SERVICES) || exit
  [ -z "$o" ] || run STOP
fi
"""
"""Compose tells of stopping what does not run, too."""

_OLDEST_WITH_YES = (2, 32)


def _judged(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    scale = values.get("scale")
    for key, one in scale.items() if isinstance(scale, Mapping) else ():
        if isinstance(one, bool) or not str(one).isdecimal():
            yield "scale", f"{key} has {one!r}, which is no number of containers"


@module(
    "community.docker.docker_compose_v2",
    exclusive=(
        ("definition", "project_src"),
        ("definition", "files"),
        ("docker_host", "cli_context"),
    ),
    one_of=(("definition", "project_src"),),
    judged=_judged,
)
class DockerComposeV2(Daemon):
    """See to it that the services of a project run, are stopped, or are gone."""

    project_src: str | None = option(kind="path", doc="The host's directory with its files.")
    project_name: str | None = option(
        doc="Its name; else that of the directory. A ``definition`` needs one."
    )
    definition: Mapping[str, Any] | None = option(doc="What would stand in the file.")
    files: list[str] | None = option(doc="Its files, relative to that directory.")
    env_files: list[str] | None = option(doc="Files of variables, in place of ``.env``.")
    profiles: list[str] | None = option(doc="Profiles that are on.")
    services: list[str] | None = option(doc="Only these.")
    state: str = option(
        "present", choices=("absent", "present", "restarted", "stopped"), doc="What they shall be."
    )
    build: str = option(
        "policy", choices=("always", "never", "policy"), doc="Whether images are built first."
    )
    ignore_build_events: bool = option(
        True, doc="Whether an image that was built is no change of its own."
    )
    pull: str = option(
        "policy", choices=("always", "missing", "never", "policy"), doc="Whether they are pulled."
    )
    recreate: str = option(
        "auto", choices=("always", "auto", "never"), doc="Whether containers are made anew."
    )
    dependencies: bool = option(True, doc="Whether the services they depend on come along.")
    remove_images: str | None = option(choices=("all", "local"), doc="Images that go, if absent.")
    remove_orphans: bool = option(False, doc="Whether containers of no service go.")
    remove_volumes: bool = option(False, doc="Whether volumes go, if absent.")
    renew_anon_volumes: bool = option(False, doc="Whether nameless volumes are made anew.")
    timeout: int | None = option(doc="Seconds that a container has to end.")
    wait: bool = option(False, doc="Whether it is waited until they run, or are healthy.")
    wait_timeout: int | None = option(doc="Seconds to wait at most.")
    scale: Mapping[str, Any] | None = option(doc="How many containers a service has.")
    check_files_existing: bool = option(True, doc="Whether its file is looked for first.")
    assume_yes: bool = option(
        False, doc="Whether questions are answered with yes; from docker compose 2.32 on."
    )
    docker_cli: str | None = option(kind="path", doc="The program; else ``docker``.")
    cli_context: str | None = option(doc="The context that tells where the daemon is.")
    api_version: str = option("auto", doc="What is spoken with the daemon; the newest, if auto.")

    def steps(self, context: Context) -> Steps:
        """One script."""
        answer = yield self._request(check=context.check)
        return _told(self._recipe(check=context.check), answer)

    def background(self, context: Context) -> Beginning:
        """See `Module.background`: all of it."""
        yield from ()
        return Job(self._request(check=False), self._recipe(check=False))

    @classmethod
    def concluded(cls, recipe: Mapping[str, Any], answer: CommandResult) -> ModuleResult:
        """See `Module.concluded`."""
        return _told(recipe, answer)

    def called(self) -> str:
        """The program, and where it finds the daemon."""
        program = path_word(self.docker_cli) if self.docker_cli else "docker"
        context = f"--context {word(self.cli_context)}" if self.cli_context else ""
        return " ".join(filter(None, (program, context, *self._where())))

    def _recipe(self, *, check: bool) -> dict[str, Any]:
        words = " ".join(map(word, self._verb()))
        command = f"{self._compose()} {'--dry-run ' if check else ''}{words}"
        return {"module": self.name, "cmd": command, "dry": check,
                "builds": not self.ignore_build_events}  # fmt: skip

    def _request(self, *, check: bool) -> Run:
        if self.definition is not None and not self.project_name:
            raise ModuleError("definition needs project_name")
        data = None if self.definition is None else json.dumps(self.definition).encode()
        effect: Effect = "reads" if check else "changes"
        return Run(self._script(check=check), data, effect, environment=True, cap=8 << 20, far=True)

    def _script(self, *, check: bool) -> str:
        lines = [TOOLS, *self._program(), _BEGIN.replace("DOCKER", self.called())]
        if self.assume_yes and self.state == "present":
            lines.append("since {} {} assume_yes\n".format(*_OLDEST_WITH_YES))
        if self.project_src:
            lines += [f"d={path_word(self.project_src)}\n", _THERE]
            lines += [_FILE] if self.check_files_existing and not self.files else []
        lines += [self._function("go", "--dry-run " if check else ""), self._function("list", "")]
        if self.state == "absent" and self.remove_volumes:
            lines.append(f"o=$({self.docker('volume', 'ls', '-q')} </dev/null) || exit\n")
            lines.append('say volumes "$o"\n')
        lines.append(f"run {' '.join(map(word, self._verb()))}\n")
        if self.state == "stopped":
            services = " ".join(map(word, self.services or ()))
            stop = " ".join(map(word, ("stop", *self._ending())))
            lines.append(_STOP.replace("SERVICES", services).replace("STOP", stop))
        lines.append('say rc "$r"\ntell containers ps --all --format json --no-trunc\n')
        lines.append("tell images images --format json\n")
        return "".join(lines)

    def _program(self) -> Iterator[str]:
        if self.api_version != "auto":
            yield f"DOCKER_API_VERSION={word(self.api_version)}\nexport DOCKER_API_VERSION\n"
        program = path_word(self.docker_cli) if self.docker_cli else "docker"
        yield f"has {program} || lack {program}\n"
        if self.definition is not None:
            yield "given=$(cat) || exit\n"

    def _function(self, name: str, dry: str) -> str:
        if self.definition is None:
            return f'{name}() {{ {self._compose()} {dry}"$@" </dev/null; }}\n'
        return f'{name}() {{\n  {self._compose()} {dry}"$@" <<X\n$given\nX\n}}\n'

    def _compose(self) -> str:
        made = [self.called(), "compose --ansi never --progress plain"]
        if self.definition is None:
            made.append('--project-directory "$d"')
        else:
            made.append("--project-directory / --file -")
            made += [] if self.env_files else ["--env-file /dev/null"]
        if self.project_name:
            made.append(f"--project-name {word(self.project_name)}")
        for flag, paths in (("--file", self.files), ("--env-file", self.env_files)):
            made += [f"{flag} {path_word(path)}" for path in paths or ()]
        made += [f"--profile {word(each)}" for each in self.profiles or ()]
        return " ".join(made)

    def _verb(self) -> Iterator[str]:
        if self.state == "stopped":
            yield from (*self._up(), "--no-start")
        else:
            yield from getattr(self, f"_{self.state}")()
        yield from self._ending()

    def _ending(self) -> Iterator[str]:
        yield from ("--timeout", str(self.timeout)) if self.timeout is not None else ()
        yield from ("--", *(self.services or ()))

    def _up(self) -> Iterator[str]:
        yield from ("up", "--detach", "--no-color", "--quiet-pull")
        yield from ("--pull", self.pull) if self.pull != "policy" else ()
        yield from ("--remove-orphans",) if self.remove_orphans else ()
        recreate = {"always": ("--force-recreate",), "never": ("--no-recreate",)}
        yield from recreate.get(self.recreate, ())
        yield from ("--renew-anon-volumes",) if self.renew_anon_volumes else ()
        yield from () if self.dependencies else ("--no-deps",)
        yield from {"always": ("--build",), "never": ("--no-build",)}.get(self.build, ())
        yield from each("--scale", [f"{key}={one}" for key, one in (self.scale or {}).items()])

    def _present(self) -> Iterator[str]:
        yield from self._up()
        yield from ("--wait",) if self.wait else ()
        if self.wait and self.wait_timeout is not None:
            yield from ("--wait-timeout", str(self.wait_timeout))
        yield from ("-y",) if self.assume_yes else ()

    def _restarted(self) -> Iterator[str]:
        yield "restart"
        yield from () if self.dependencies else ("--no-deps",)

    def _absent(self) -> Iterator[str]:
        yield "down"
        yield from ("--remove-orphans",) if self.remove_orphans else ()
        yield from ("--rmi", self.remove_images) if self.remove_images else ()
        yield from ("--volumes",) if self.remove_volumes else ()


def _told(recipe: Mapping[str, Any], answer: CommandResult) -> ModuleResult:
    told = Answers(answer)
    dry, rc = bool(recipe["dry"]), told.number("rc")
    progress, out = "".join(told.every("progress")), "\n".join(filter(None, told.every("out")))
    there = told.get("volumes")
    done = actions(progress, None if there is None else there.split("\n"), dry=dry)
    data: dict[str, Any] = {
        "actions": done,
        "containers": [container(one) for one in listed(told.text("containers"))],
        "images": listed(told.text("images")),
    }
    if progress:
        data.update(stderr=progress, stderr_lines=progress.splitlines())
    if out:
        data.update(stdout=out, stdout_lines=out.splitlines())
    changed = changes(done, builds=bool(recipe["builds"]))
    warned = tuple(warnings(progress, dry=dry))
    if rc == 0:
        return ModuleResult(changed, data=data, warnings=warned)
    data.update(rc=rc, cmd=recipe["cmd"], stdout=out, stdout_lines=out.splitlines())
    data.update(stderr=progress, stderr_lines=progress.splitlines())
    words = complaint(progress) or f"exit status {rc}"
    msg = f"docker compose: {words}"
    return ModuleResult(changed, failed=True, msg=msg, data=data, warnings=warned)
