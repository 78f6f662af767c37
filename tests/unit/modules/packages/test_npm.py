"""npm: beside the dialect's own engine on an npm that answers as recorded, and a real one."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.module_cases import CASES, placed
from support.module_host import ModuleHost, module_host
from support.scripts import Listening

from opsrun.modules.options import OptionError

QUIET = "SC2329,SC2317,SC2016,SC2034,SC2086,SC2154"
STANDS_IN = """\
#!/bin/sh
case $1 in
  list) cat "$top/list"; exit "$(cat "$top/rc")" ;;
  outdated) cat "$top/outdated"; exit 1 ;;
esac
printf '%s\\n' "$*" >>"$top/calls"
echo 'npm WARN a word' >&2
exit "$(cat "$top/ends")"
"""


def _stands_in(top: Path) -> Path:
    program = top / "npm"
    program.write_text(STANDS_IN.replace("$top", str(top)))
    program.chmod(0o755)
    return program


def _told(host: ModuleHost, args: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    try:
        return host.run("community.general.npm", args, check=check)
    except OptionError as error:
        return {"changed": False, "failed": True, "msg": str(error)}


def _sorted(call: str) -> str:
    verb, *words = call.split()
    return " ".join([verb, *sorted(words)])


def _read(scripts: set[str], directory: Path) -> None:
    program = shutil.which("shellcheck")
    if program is None:
        pytest.skip("there is no shellcheck (Debian: apt-get install shellcheck)")
    files = []
    for number, script in enumerate(sorted(scripts)):
        path = directory / f"{number}.sh"
        path.write_text(script)
        files.append(str(path))
    words = [program, "-f", "gcc", "-s", "sh", "-e", QUIET, *files]
    assert subprocess.run(words, capture_output=True, text=True, check=False).stdout == ""


def _situation(top: Path, case: Mapping[str, Any]) -> None:
    listed = case["list"]
    (top / "list").write_text(listed if isinstance(listed, str) else json.dumps(listed))
    versions = {"current": "1.0.0", "wanted": "1.0.1", "latest": "1.0.1"}
    older = {"demo": versions} if case["outdated"] else {}
    (top / "outdated").write_text(json.dumps(older))
    (top / "rc").write_text(str(case["rc"]))
    (top / "ends").write_text(str(case["ends"]))


@pytest.mark.parametrize("shell", ["dash", "busybox ash"])
def test_what_is_called_when(shell: str, tmp_path: Path) -> None:
    cases = yaml.safe_load((CASES / "npm/calls.yml").read_text(encoding="utf-8"))
    (tmp_path / "app").mkdir()
    (tmp_path / "fake").write_text("")
    program = _stands_in(tmp_path)
    wrong = []
    with module_host(tmp_path, shell) as host:
        listening = Listening(host.hands)
        host.hands = listening  # type: ignore[assignment]
        for case in cases:
            _situation(tmp_path, case)
            for step in case["steps"]:
                (tmp_path / "calls").write_text("")
                args = placed(step["args"], str(tmp_path)) | {"executable": str(program)}
                got = _told(host, args, check=step.get("check", False))
                calls = [_sorted(each) for each in (tmp_path / "calls").read_text().splitlines()]
                found = (got["changed"], bool(got.get("failed")), calls)
                ours = step | step.get("ours", {})
                wanted = placed(ours["calls"], str(tmp_path))
                if found != (ours["changed"], ours["failed"], wanted):
                    wrong.append(f"{step} {got} {calls}")
        scripts = set(listening.scripts)
    assert not wrong, "\n".join(wrong)
    if shell == "dash":
        _read({each.replace(str(tmp_path), "/t") for each in scripts}, tmp_path)


def test_what_npm_can_not_tell(tmp_path: Path) -> None:
    program = _stands_in(tmp_path)
    (tmp_path / "app").mkdir()
    args = {"path": str(tmp_path / "app"), "executable": str(program)}
    broken = {"error": {"code": "EJSONPARSE", "summary": "Failed to parse root package.json"}}
    _situation(tmp_path, {"list": broken, "rc": 1, "ends": 0, "outdated": False})
    with module_host(tmp_path) as host:
        told = _told(host, args, check=False)
        assert told["msg"] == "Failed to parse root package.json"
        _situation(tmp_path, {"list": {}, "rc": 0, "ends": 0, "outdated": False})
        (tmp_path / "outdated").write_text('{"error": {"code": "ECONNREFUSED", "summary": "no"}}')
        assert _told(host, {**args, "state": "latest"}, check=False)["failed"]
        told = _told(host, {**args, "executable": "no-npm"}, check=False)
        assert told["msg"] == "there is no no-npm on this host"
        ranged = {"demo": {"current": "1.0.0", "wanted": "1.0.0", "latest": "2.0.0"}}
        (tmp_path / "outdated").write_text(json.dumps(ranged))
        (tmp_path / "list").write_text('{"dependencies": {"demo": {"version": "1.0.0"}}}')
        told = _told(host, {**args, "name": "demo", "state": "latest"}, check=False)
        assert not told["changed"]
        assert "package.json goes no further than 1.0.0" in told["warnings"][0]


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """One that has ``demo`` 1.0.0 and 2.0.0."""
    tarballs = {version: _packed(tmp_path, version) for version in ("1.0.0", "2.0.0")}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.strip("/")
            versions = {
                each: {
                    "name": "demo",
                    "version": each,
                    "dist": {"tarball": f"{url}{each}", "integrity": _integrity(data)},
                }
                for each, data in tarballs.items()
            }
            about = {"name": "demo", "dist-tags": {"latest": "2.0.0"}, "versions": versions}
            body = json.dumps(about).encode() if name == "demo" else tarballs.get(name)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is written."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield url
        server.shutdown()
        thread.join()


def _packed(top: Path, version: str) -> bytes:
    folder = top / version / "package"
    folder.mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps({"name": "demo", "version": version}))
    words = ["tar", "-C", str(folder.parent), "-czf", str(top / f"{version}.tgz"), "package"]
    subprocess.run(words, check=True)
    return (top / f"{version}.tgz").read_bytes()


def _integrity(data: bytes) -> str:
    return f"sha512-{base64.b64encode(hashlib.sha512(data).digest()).decode()}"


def test_a_real_npm(registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("npm") is None:
        pytest.skip("there is no npm: its answers are replayed")
    environment = {
        "HOME": str(tmp_path),
        "npm_config_cache": str(tmp_path / "cache"),
        "npm_config_audit": "false",
        "npm_config_fetch_retries": "0",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    app = tmp_path / "app"
    args = {"path": str(app), "registry": registry, "name": "demo"}
    with module_host(tmp_path, environment=dict(os.environ)) as host:
        assert _told(host, {**args, "version": "1.0.0"}, check=True) == {"changed": True}
        assert not app.exists()
        assert _told(host, {**args, "version": "1.0.0"}, check=False) == {"changed": True}
        assert _told(host, {**args, "version": "1.0.0"}, check=False) == {"changed": False}
        assert '"version": "1.0.0"' in (app / "node_modules/demo/package.json").read_text()
        shutil.rmtree(app / "node_modules")
        project = {"path": str(app), "registry": registry}
        assert _told(host, project, check=False) == {"changed": True}
        assert _told(host, project, check=False) == {"changed": False}
        assert _told(host, {**args, "state": "absent"}, check=False) == {"changed": True}
        assert not (app / "node_modules/demo").exists()
