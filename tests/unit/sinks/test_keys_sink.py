"""How host keys are shown."""

from __future__ import annotations

from typing import Any

import pytest

from opsrun.events import Outcome, Result, RunStarted, WorkId
from opsrun.sinks import OutputOptions, make_sink
from opsrun.sinks.base import BytesWriter
from opsrun.sinks.keys import lines, rows


def key(fingerprint: str, status: str = "new", kind: str = "ssh-rsa", **more: Any) -> Any:
    return {"type": kind, "fingerprint": f"SHA256:{fingerprint}", "status": status, **more}


CHANGED = key(
    "NEW", "changed", recorded={"place": "kh:7", "type": "ssh-rsa", "fingerprint": "SHA256:OLD"}
)


def test_hosts_that_share_a_set_of_keys_are_shown_together() -> None:
    same = [key("A"), key("B", kind="ssh-ed25519")]
    found = lines(rows({"web01": same, "web02": same, "web03": [key("A")]}))
    assert found == [
        "web[01-02] (2)  ssh-rsa      SHA256:A  new",
        "web[01-02] (2)  ssh-ed25519  SHA256:B  new",
        "web03           ssh-rsa      SHA256:A  new",
    ]


def test_unfolded_each_host_has_its_lines() -> None:
    found = lines(rows({"web01": [key("A")], "db": [key("A")]}, folded=False))
    assert found == ["web01  ssh-rsa  SHA256:A  new", "db     ssh-rsa  SHA256:A  new"]


def test_what_is_wrong_comes_first_with_both_fingerprints() -> None:
    found = lines(
        rows(
            {
                "web01": [key("A")],
                "web02": [key("B", expected=False)],
                "web03": [CHANGED],
                "web04": [{**CHANGED, "status": "revoked"}],
            }
        )
    )
    assert [line.split()[0] for line in found] == ["web04", "web03", "web02", "web01"]
    assert found[0].endswith("SHA256:NEW  revoked by kh:7")
    assert found[1].endswith("SHA256:NEW  changed: kh:7 has ssh-rsa SHA256:OLD")
    assert found[2].endswith("refused")


@pytest.mark.parametrize(("verbosity", "shown"), [(-1, 1), (0, 1), (1, 2)])
def test_known_keys_are_only_counted_unless_asked_for(verbosity: int, shown: int) -> None:
    out, err = BytesWriter(), BytesWriter()
    sink = make_sink("keys", out, err, OutputOptions(verbosity=verbosity))
    keys = {"web02": [key("A", "known")], "web01": [key("B")], "here": []}
    sink.handle(0, RunStarted("r", "trust", "host keys", ("web01", "web02", "here"), 0.0))
    for host, one in keys.items():
        outcome = Outcome.OK if one else Outcome.SKIPPED
        result = Result(host, WorkId(host, ("trust",), "0"), outcome, data={"keys": one})
        sink.handle(1, result)
    sink.close()
    assert len(out.text().splitlines()) == shown
    assert out.text().startswith("web01")
    assert ("already on record: web02" in err.text()) is (verbosity >= 0)
    assert ("not reached by ssh: here" in err.text()) is (verbosity >= 0)
