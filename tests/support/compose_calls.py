"""Tasks about projects of ``docker compose`` that were done with a real daemon, and its answers.

``tests/cases/docker/compose.json`` has them in the order in which they were done: what each call of
docker(1) was, and answered; it was made on a machine where Docker 26.1 ran, with docker(1) 28.2 and
docker compose 2.26. Beside each task stands what the dialect's own module made of the same one, in
the same order. The projects are those of `FILES`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from support.module_cases import CASES

PATH = CASES / "docker" / "compose.json"

FILES: Mapping[str, str] = {
    "one/compose.yaml": """\
services:
  web: {image: "bb:1", command: sleep 1000, stop_grace_period: 0s, depends_on: [db],
        environment: {V: "${V-1}"}, ports: ["127.0.0.1:8099:80"], labels: {a: "1", e: ""}}
  db: {image: "bb:1", command: sleep 1000, stop_grace_period: 0s,
       volumes: ["data:/data", /nameless]}
  extra: {image: "bb:1", profiles: [more], command: sleep 1000, stop_grace_period: 0s}
volumes: {data: {}}
""",
    "one/less.yaml": """\
name: one
services:
  web: {image: "bb:1", command: sleep 1000, stop_grace_period: 0s}
""",
    "one/v2.env": "V=2\n",
    "own/docker-compose.yml": """\
services:
  built: {build: ., command: sleep 1000, stop_grace_period: 0s}
""",
    "own/Dockerfile": "FROM bb:1\nLABEL own=1\n",
    "wrong/compose.yml": 'services:\n  a: {image: "bb:1", nosuchkey: 1}\n',
    "torn/compose.yml": "services:\n  a: [\n",
    "none/README": "",
    "sick/compose.yml": 'services:\n  a: {image: "bb:1", command: "false"}\n',
    "vars/compose.yml": """\
version: "3"
services:
  a: {image: "bb:1", command: sleep 1000, stop_grace_period: 0s, environment: {A: "${UNSET_X}"}}
""",
}
_ONE = {"project_src": "TOP/one", "timeout": 1}
_GIVEN = {
    "project_name": "given",
    "definition": {
        "services": {"x": {"image": "bb:1", "command": "sleep 1000", "stop_grace_period": "0s"}}
    },
}
TASKS: Sequence[Mapping[str, Any]] = (
    _ONE,
    _ONE,
    {**_ONE, "env_files": ["v2.env"], "wait": True, "wait_timeout": 20},
    {**_ONE, "env_files": ["v2.env"], "state": "stopped"},
    {**_ONE, "env_files": ["v2.env"], "state": "stopped"},
    {**_ONE, "state": "restarted", "services": ["web"], "dependencies": False},
    {**_ONE, "state": "restarted"},
    {**_ONE, "scale": {"web": 1, "db": 2}, "dependencies": False},
    {"project_src": "TOP/vars"},
    {"project_src": "TOP/vars", "state": "absent", "remove_images": "all"},
    {"project_src": "TOP/vars", "state": "absent", "remove_images": "all"},
    {**_ONE, "services": ["db"], "state": "stopped", "recreate": "never"},
    {**_ONE, "profiles": ["more"], "services": ["extra"], "pull": "missing"},
    {**_ONE, "recreate": "always", "renew_anon_volumes": True, "build": "never"},
    {**_ONE, "files": ["less.yaml"], "remove_orphans": True},
    {**_ONE, "services": ["nosuch"]},
    {**_ONE, "services": ["nosuch"], "state": "stopped"},
    {**_ONE, "state": "absent"},
    {**_ONE, "state": "absent", "remove_volumes": True, "remove_orphans": True},
    {**_ONE, "state": "absent", "remove_volumes": True},
    {**_ONE, "state": "absent"},
    {**_ONE, "state": "restarted"},
    _GIVEN,
    _GIVEN,
    {**_GIVEN, "state": "stopped"},
    {**_GIVEN, "state": "stopped"},
    {**_GIVEN, "state": "absent"},
    {"project_src": "TOP/wrong"},
    {"project_src": "TOP/torn"},
    {"project_src": "TOP/none"},
    {"project_src": "TOP/none", "check_files_existing": False},
    {"project_src": "TOP/nowhere"},
    {**_ONE, "files": ["nosuch.yaml"]},
    {**_ONE, "env_files": ["nosuch.env"]},
    {**_ONE, "assume_yes": True},
    {**_ONE, "docker_host": "tcp://127.0.0.1:1"},
    {**_ONE, "cli_context": "nosuch"},
    {**_GIVEN, "project_name": "Not One"},
    {"project_src": "TOP/sick", "wait": True},
    {"project_src": "TOP/sick", "state": "absent"},
    {"project_src": "TOP/own", "build": "never"},
    {"project_src": "TOP/own", "build": "always"},
    {"project_src": "TOP/own", "build": "always"},
    {"project_src": "TOP/own", "state": "absent", "remove_images": "all"},
    {"project_src": "TOP/own", "state": "absent", "remove_images": "all"},
)


def recorded() -> Sequence[Mapping[str, Any]]:
    """Of each task: ``args``, ``check`` and ``result``, ``calls`` in order, ``peer``."""
    found: Sequence[Mapping[str, Any]] = json.loads(PATH.read_text(encoding="utf-8"))
    return found


def shown(result: Mapping[str, Any]) -> dict[str, Any]:
    """What is compared of a result."""
    names = ("changed", "failed", "msg", "actions", "warnings")
    found = {name: result[name] for name in names if name in result}
    for each in result.get("containers", ()):
        labels = {key: value for key, value in each["Labels"].items() if "." not in key}
        inside = [each["State"], each["Names"], each["Networks"], labels, len(each["Publishers"])]
        found.setdefault("containers", {})[each["Name"]] = inside
    found["images"] = sorted(each["ContainerName"] for each in result.get("images", ()))
    return found
