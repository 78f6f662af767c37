"""get_url and uri against a server on this machine, through each program that a host may have."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.module_host import ModuleHost, module_host
from support.shells import busybox_path
from support.web import CONTENT, NAME, PASSWORD, SUM, Web, server


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with server() as found:
        yield found


PROGRAMS = (
    *("cat", "chmod", "chown", "cmp", "cp", "date", "dd", "env", "gzip", "grep", "head", "id"),
    *("ls", "md5sum", "mkdir", "mktemp", "mv", "readlink", "rm", "sed", "sha1sum", "sha256sum"),
    *("sleep", "stat", "tail", "tr", "wc"),
)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By program, a folder of programs among which it is the only one that asks servers."""
    top = tmp_path_factory.mktemp("paths")
    made = {"none": top / "none", "busybox": Path(busybox_path(top / "busybox"))}
    made["none"].mkdir()
    for name in ("sh", *PROGRAMS):
        (made["none"] / name).symlink_to(str(shutil.which(name)))
    for program in ("curl", "wget"):
        made[program] = top / program
        shutil.copytree(made["none"], made[program], symlinks=True)
        found = shutil.which(program)
        if found is not None:
            (made[program] / program).symlink_to(found)
    return made


@pytest.fixture
def program(request: pytest.FixtureRequest) -> str:
    return str(getattr(request, "param", "curl"))


@pytest.fixture
def host(program: str, tmp_path: Path, paths: dict[str, Path]) -> Iterator[ModuleHost]:
    path = paths[program]
    if program in ("curl", "wget") and not (path / program).exists():
        pytest.skip(f"there is no {program}")
    with module_host(tmp_path, "sh", ("/usr/bin/env", f"PATH={path}", "/bin/sh", "-c")) as found:
        yield found


each_program = pytest.mark.parametrize("program", ["curl", "wget", "busybox"], indirect=True)
each_full = pytest.mark.parametrize("program", ["curl", "wget"], indirect=True)


def _left(top: Path) -> list[str]:
    return sorted(each.name for each in top.iterdir())


@pytest.fixture
def top(tmp_path: Path) -> Path:
    folder = tmp_path / "top"
    folder.mkdir()
    return folder


@each_program
def test_a_download(host: ModuleHost, web: Web, top: Path) -> None:
    args = {"url": f"{web.url}/file", "dest": str(top / "f"), "mode": "0640"}
    checked = host.run("get_url", args, check=True)
    assert checked["changed"]
    assert _left(top) == []
    result = host.run("get_url", args)
    assert result["changed"]
    assert (result["status_code"], result["msg"], result["mode"]) == (200, "OK (6 bytes)", "0640")
    assert result["checksum_dest"] is None
    assert (top / "f").read_bytes() == CONTENT
    again = host.run("get_url", args)
    assert not again["changed"]
    assert again["checksum_dest"] == again["checksum_src"] == result["checksum_src"]
    assert not host.run("get_url", args, check=True)["changed"]
    assert _left(top) == ["f"]


@each_program
def test_what_fails_leaves_the_old_content(host: ModuleHost, web: Web, top: Path) -> None:
    (top / "f").write_text("old")
    args: dict[str, Any] = {"url": f"{web.url}/missing", "dest": str(top / "f"), "force": True}
    result = host.run("get_url", args)
    assert result["failed"]
    assert (result["status_code"], result["msg"]) == (404, "Request failed")
    assert result["response"] == "HTTP Error 404: Not Found"
    wrong = host.run("get_url", args | {"url": f"{web.url}/file", "checksum": "md5:" + "0" * 32})
    assert wrong["failed"]
    assert "checksum did not match" in wrong["msg"]
    refused = host.run("get_url", args | {"url": "http://127.0.0.1:1/x"})
    assert refused["msg"].startswith("Request failed: ")
    assert "status_code" not in refused
    assert (top / "f").read_text() == "old"
    assert _left(top) == ["f"]


@each_full
def test_nothing_newer(host: ModuleHost, web: Web, top: Path) -> None:
    (top / "f").write_text("old")
    (top / "f").chmod(0o644)
    args = {"url": f"{web.url}/unchanged", "dest": str(top / "f")}
    result = host.run("get_url", args)
    assert (result["changed"], result["status_code"]) == (False, 304)
    assert "if-modified-since" in web.last[2]
    # The mode is the task's wish, too.
    assert host.run("get_url", args | {"mode": "0600"})["changed"]
    assert (top / "f").stat().st_mode & 0o777 == 0o600
    assert host.run("get_url", args | {"force": True, "backup": True})["backup_file"]
    assert (top / "f").read_bytes() == CONTENT
    assert len(_left(top)) == 2


@each_program
def test_checksums(host: ModuleHost, web: Web, top: Path) -> None:
    args = {"url": f"{web.url}/file", "dest": str(top / "f")}
    assert host.run("get_url", args | {"checksum": f"sha256:{SUM}"})["changed"]
    asked = len(web.asked)
    there = host.run("get_url", args | {"checksum": f"sha256:{SUM.upper()}"})
    assert (there["changed"], there["msg"]) == (False, "file already exists")
    assert len(web.asked) == asked
    (top / "f").write_text("other")
    listed = {"checksum": f"sha256:{web.url}/sums"}
    assert host.run("get_url", args | listed)["changed"]
    none = host.run("get_url", args | listed | {"url": f"{web.url}/unlisted", "force": True})
    assert "Unable to find a checksum for file 'unlisted'" in none["msg"]
    for bad in ("abc", "sha256:zz", "sha256:00", "crc:00"):
        assert host.run("get_url", args | {"checksum": bad})["failed"]


@each_program
def test_a_directory_keeps_the_name(host: ModuleHost, web: Web, top: Path) -> None:
    for path, name in (("/file?a=/b", "file"), ("/moved", "file"), ("/named", "a name")):
        result = host.run("get_url", {"url": web.url + path, "dest": f"{top}/", "mode": "u=rw,go="})
        assert result["dest"] == f"{top}/{name}"
        assert result["mode"] == "0600"
    assert _left(top) == ["a name", "file"]
    gone = host.run("get_url", {"url": f"{web.url}/file", "dest": f"{top}/no/f"})
    assert gone["msg"] == f"Destination {top}/no does not exist"


@each_full
@pytest.mark.parametrize("force", [True, False])
def test_a_password(host: ModuleHost, web: Web, top: Path, force: bool) -> None:
    args = {"url": f"{web.url}/login", "force_basic_auth": force, "url_username": NAME}
    good = args | {"url_password": PASSWORD}
    assert host.run("get_url", good | {"dest": str(top / "f")})["changed"]
    assert host.run("uri", good)["status"] == 200
    bad = host.run("uri", args | {"url_password": "other"})
    assert (bad["failed"], bad["status"]) == (True, 401)


def test_no_secret_is_an_argument(
    top: Path, web: Web, tmp_path: Path, paths: dict[str, Path]
) -> None:
    """A curl that writes its arguments down, and reads the rest from its standard input."""
    path = tmp_path / "programs"
    shutil.copytree(paths["none"], path, symlinks=True)
    real = shutil.which("curl")
    (path / "curl").write_text(f'#!/bin/sh\necho "$*" >>{top}/said\nexec {real} "$@"\n')
    (path / "curl").chmod(0o755)
    args = {
        "url": f"{web.url}/login?token=in-the-address",
        "url_username": NAME,
        "url_password": PASSWORD,
        "force_basic_auth": True,
        "headers": {"X-Token": "in-a-header"},
        "method": "POST",
        "body": "in-the-body",
    }
    with module_host(tmp_path, "sh", ("/usr/bin/env", f"PATH={path}", "/bin/sh", "-c")) as host:
        assert host.run("uri", args)["status"] == 200
    assert web.last[2]["x-token"] == "in-a-header"
    said = (top / "said").read_text()
    assert "-K -" in said
    for secret in ("in-the", "in-a", PASSWORD, "ss w"):
        assert secret not in said


@pytest.mark.parametrize("program", ["none"], indirect=True)
def test_a_host_without_any(host: ModuleHost, web: Web, top: Path) -> None:
    for module, more in (("get_url", {"dest": str(top / "f")}), ("uri", {})):
        result = host.run(module, {"url": f"{web.url}/file", **more})
        assert result["failed"]
        assert "they are usually in the packages curl, wget" in result["msg"]


@pytest.mark.parametrize("program", ["busybox"], indirect=True)
@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"method": "POST"}, "method POST"),
        ({"url_username": "a"}, "a user"),
        ({"headers": {"a": "b"}}, "headers"),
        ({"url": "https://127.0.0.1:1"}, "looking at certificates"),
        ({"unix_socket": "/x"}, "unix_socket"),
    ],
)
def test_what_a_small_wget_can_not_do(
    host: ModuleHost, web: Web, more: dict[str, Any], what: str
) -> None:
    result = host.run("uri", {"url": f"{web.url}/file", **more})
    assert result["failed"]
    assert what in result["msg"]
    assert "it is usually in the package curl" in result["msg"]


@each_full
def test_certificates(host: ModuleHost, tmp_path: Path, top: Path) -> None:
    with server(tmp_path) as web:
        args = {"url": f"{web.url}/file"}
        refused = host.run("uri", args)
        assert (refused["failed"], refused["status"]) == (True, -1)
        assert "certificate" in refused["msg"]
        assert host.run("uri", args | {"validate_certs": False})["status"] == 200
        assert host.run("uri", args | {"ca_path": str(tmp_path / "cert.pem")})["status"] == 200
        told = host.run("get_url", args | {"dest": str(top / "f")})
        assert told["failed"]
        assert host.run("get_url", args | {"dest": str(top / "f"), "validate_certs": False})[
            "changed"
        ]


@each_full
def test_bodies(host: ModuleHost, web: Web) -> None:
    def told(**args: Any) -> Any:
        result = host.run("uri", {"url": f"{web.url}/echo", "method": "POST", **args})
        assert result["status"] == 200
        return result["json"]

    form = "application/x-www-form-urlencoded"
    sent = told(body={"a": [1, "é"]}, body_format="json")
    assert sent == {"method": "POST", "body": '{"a": [1, "\\u00e9"]}', "type": "application/json"}
    sent = told(body={"a": "b c", "l": ["x", "y"]}, body_format="form-urlencoded", method="put")
    assert sent == {"method": "PUT", "body": "a=b+c&l=x&l=y", "type": form}
    assert told(body="a\nb\\", headers={"Content-Type": "x/y"})["body"] == "a\nb\\"
    parts = told(
        body={"a": "b", "f": {"content": "c", "filename": "n.txt"}}, body_format="form-multipart"
    )
    assert parts["type"].startswith("multipart/form-data; boundary=")
    assert 'name="f"; filename="n.txt"\r\nContent-Type: text/plain\r\n\r\nc\r\n' in parts["body"]
    assert told(method="DELETE")["method"] == "DELETE"
    wrong = host.run("uri", {"url": f"{web.url}/echo", "method": "POST", "body": {"a": 1}})
    assert "body_format" in wrong["msg"]


@each_full
def test_answers(host: ModuleHost, web: Web, top: Path) -> None:
    got = host.run("uri", {"url": f"{web.url}/cookie", "return_content": True})
    assert (got["content"], got["content_type"], got["changed"]) == ("hello\n", "text/plain", False)
    assert (got["cookies"], got["cookies_string"]) == ({"A": "1", "B": "2"}, "A=1; B=2")
    moved = host.run("uri", {"url": f"{web.url}/moved"})
    assert (moved["redirected"], moved["url"]) == (True, f"{web.url}/file")
    stayed = host.run("uri", {"url": f"{web.url}/moved", "follow_redirects": "none"})
    assert (stayed["failed"], stayed["status"]) == (True, 302)
    assert stayed["location"] == f"{web.url}/file"
    missing = host.run("uri", {"url": f"{web.url}/missing", "status_code": [200, 404]})
    assert (missing.get("failed"), missing["status"]) == (None, 404)
    args = {"url": f"{web.url}/file", "dest": str(top), "mode": "0600"}
    put = host.run("uri", args)
    assert (put["changed"], put["path"], put["mode"]) == (True, f"{top}/file", "0600")
    assert not host.run("uri", args)["changed"]
    host.run("uri", {"url": f"{web.url}/missing", "dest": f"{top}/file"})
    assert (top / "file").read_bytes() == CONTENT
    assert _left(top) == ["file"]


def test_rules(host: ModuleHost, web: Web, top: Path) -> None:
    asked = len(web.asked)
    there = host.run("uri", {"url": f"{web.url}/file", "creates": f"{top}*"})
    assert there["stdout"] == f"skipped, since '{top}*' exists"
    host.run("uri", {"url": f"{web.url}/file", "removes": f"{top}/none"})
    assert host.run("uri", {"url": f"{web.url}/file"}, check=True)["skipped"]
    assert len(web.asked) == asked


@pytest.mark.parametrize(
    ("args", "what"),
    [
        ({"url": "abc"}, "no address"),
        ({"url": "http://a b/"}, "no address"),
        ({"url": "http://h:99999/"}, "Port"),
        ({"method": "GET /"}, "no method"),
        ({"headers": {"a": "b\r\nc: d"}}, "no header"),
        ({"use_gssapi": True}, "Kerberos"),
        ({"headers": {"A": "b"}, "unredirected_headers": ["a"]}, "unredirected_headers"),
    ],
)
def test_what_can_not_be_asked(host: ModuleHost, args: dict[str, Any], what: str) -> None:
    result = host.run("uri", {"url": "http://127.0.0.1:1/", **args})
    assert result["failed"]
    assert what in result["msg"]


@each_full
def test_who_follows_redirects(host: ModuleHost, web: Web) -> None:
    args = {"url": f"{web.url}/moved", "status_code": [200, 302]}
    for method, follow, status in (
        ("GET", "safe", 200),
        ("HEAD", "safe", 200),
        ("POST", "safe", 302),
        ("POST", "all", 200),
        ("GET", "none", 302),
        ("GET", "urllib2", 200),
    ):
        told = host.run("uri", {**args, "method": method, "follow_redirects": follow})
        assert (told["status"], told["redirected"]) == (status, status == 200), (method, follow)


@each_full
def test_a_server_that_says_nothing(host: ModuleHost, top: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        told = host.run("uri", {"url": url, "timeout": 1})
        assert (told["failed"], told["status"]) == (True, -1)
        assert "time" in told["msg"]
        dest = str(top / "f")
        assert "time" in host.run("get_url", {"url": url, "timeout": 1, "dest": dest})["msg"]
        assert _left(top) == []


@each_full
def test_an_answer_that_is_too_large_for_a_variable(host: ModuleHost, top: Path) -> None:
    with (top / "large").open("wb") as file:
        file.truncate(65 << 20)
    args = {"url": f"file://{top}/large"}
    assert "failed" not in host.run("uri", args)
    told = host.run("uri", {**args, "return_content": True})
    assert (told["failed"], "more than 64 MiB: give it a dest" in told["msg"]) == (True, True)


@pytest.mark.parametrize("program", ["curl", "wget"])
def test_a_proxy_out_of_the_environment(
    program: str, web: Web, tmp_path: Path, paths: dict[str, Path]
) -> None:
    words = ("/usr/bin/env", f"PATH={paths[program]}", f"http_proxy={web.url}", "/bin/sh", "-c")
    args = {"url": "http://host.invalid/file"}
    with module_host(tmp_path, "sh", words) as host:
        assert host.run("uri", args)["status"] == 200
        assert web.last[1] == "http://host.invalid/file"
        assert host.run("uri", {**args, "use_proxy": False})["status"] == -1


def test_a_socket_in_place_of_an_address(host: ModuleHost, top: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(top / "s"))
        listening.listen()

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

        thread = threading.Thread(target=answer)
        thread.start()
        args = {"url": "http://any/x", "unix_socket": str(top / "s"), "return_content": True}
        told = host.run("uri", args)
        thread.join()
    assert (told["status"], told["content"]) == (200, "hi")


@each_program
def test_a_mode_that_is_put_right_is_a_change(host: ModuleHost, web: Web, top: Path) -> None:
    args = {"url": f"{web.url}/file", "force": True}
    assert host.run("get_url", {**args, "dest": str(top / "f"), "mode": "0600"})["changed"]
    for dest in (str(top / "f"), str(top)):
        if dest == str(top):
            (top / "f").rename(top / "file")
        for mode in ("0640", "0604"):
            given = {**args, "dest": dest, "mode": mode}
            assert host.run("get_url", given, check=True)["changed"], (dest, mode)
            told = host.run("get_url", given)
            assert (told["changed"], told["mode"]) == (True, mode), (dest, mode)
            assert not host.run("get_url", given)["changed"]
