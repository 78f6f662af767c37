"""Our known_hosts index beside the real program: ``ssh-keygen -F`` and ``-lf``."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsrun.transports.hostkeys.lines import hashed_field, parse_line
from opsrun.transports.hostkeys.verify import KnownHosts, fingerprint

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="there is no ssh-keygen")


def keygen(*words: str) -> str:
    ended = subprocess.run(
        ["ssh-keygen", *words], capture_output=True, text=True, timeout=20, check=False
    )
    return ended.stdout


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("keys")
    found = []
    for number, kind in enumerate(("ed25519", "ed25519", "ecdsa", "rsa")):
        path = folder / f"k{number}"
        keygen("-q", "-t", kind, "-N", "", "-f", str(path), "-C", "c")
        found.append(" ".join((folder / f"k{number}.pub").read_text().split()[:2]))
    return found


def lines_of(path: Path, name: str) -> list[tuple[int, str]]:
    found = re.findall(
        r"# Host .* found: line (\d+)(?: (\w+))?", keygen("-F", name, "-f", str(path))
    )
    markers = {"": "", "CA": "cert-authority", "REVOKED": "revoked"}
    return [(int(number), markers[marker]) for number, marker in found]


def ours(path: Path, name: str) -> list[tuple[int, str]]:
    return sorted((one.line, one.marker) for one in KnownHosts([str(path)]).entries(name))


_names = st.sampled_from(
    [
        *(
            "a",
            "b",
            "ab",
            "a.b",
            "A.B",
            "*",
            "a*",
            "?b",
            "!a",
            "!*b",
            "*.b",
            "[a]:2222",
            "[*]:2222",
        ),
        *("10.0.0.1", "10.0.0.*", "::1", "[::1]:2222"),
    ]
)
_fields = st.one_of(
    st.lists(_names, min_size=1, max_size=4).map(",".join),
    st.sampled_from(["a", "ab", "[a]:2222", "10.0.0.1"]).map(hashed_field),
)
_rows = st.one_of(
    st.tuples(
        st.sampled_from(["", "", "", "@revoked ", "@cert-authority ", "@other ", "  "]),
        _fields,
        st.integers(0, 3),
        st.sampled_from(["", " comment", " # two words", "\t"]),
    ),
    # -F looks at no key, so the broken ones belong to a host that is not asked for.
    st.sampled_from(
        ["", "# a", "a", "a ssh-rsa", "z ssh-rsa AAAA", "z ssh-ed25519 ????", "|1|a|b x"]
    ),
)


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    rows=st.lists(_rows, max_size=8),
    name=st.sampled_from(["a", "ab", "a.b", "[a]:2222", "10.0.0.1", "::1", "[::1]:2222"]),
)
def test_the_same_lines_as_ssh_keygen(
    tmp_path: Path, keys: list[str], rows: list[object], name: str
) -> None:
    text = ""
    for row in rows:
        if isinstance(row, tuple):
            marker, field, key, comment = row
            text += f"{marker}{field} {keys[key]}{comment}\n"
        else:
            text += f"{row}\n"
    path = tmp_path / "known"
    path.write_text(text)
    assert ours(path, name) == lines_of(path, name), text


def test_a_file_hashed_by_ssh_keygen(tmp_path: Path, keys: list[str]) -> None:
    path = tmp_path / "known"
    path.write_text(f"a,[b]:2222 {keys[0]}\nc {keys[1]}\n*.d {keys[2]}\n")
    keygen("-H", "-f", str(path))
    assert "|1|" in path.read_text()
    for name in ("a", "[b]:2222", "b", "c", "x.d"):
        assert ours(path, name) == lines_of(path, name)
    assert ours(path, "[b]:2222")


def test_fingerprints(tmp_path: Path, keys: list[str]) -> None:
    for number, key in enumerate(keys):
        path = tmp_path / str(number)
        path.write_text(f"{key} c\n")
        parsed = parse_line(f"host {key}", "f", 1)
        assert parsed is not None
        assert keygen("-lf", str(path)).split()[1] == fingerprint(parsed[1].blob)


def test_what_we_record_ssh_keygen_finds(tmp_path: Path, keys: list[str]) -> None:
    parsed = parse_line(f"host {keys[0]}", "f", 1)
    assert parsed is not None
    path = tmp_path / "known"
    known = KnownHosts([str(path)])
    known.add("a", "ssh-ed25519", parsed[1].blob)
    known.add("[b]:2222", "ssh-ed25519", parsed[1].blob, hashed=True)
    assert lines_of(path, "a") == [(1, "")]
    assert lines_of(path, "[b]:2222") == [(2, "")]
    assert lines_of(path, "b") == []
