"""What goes to ansible-core, and what is read of its answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from opsrun.composition.bridging.answer import answer
from opsrun.composition.bridging.costs import Costs
from opsrun.composition.bridging.reaching import reached, ssh_config
from opsrun.composition.bridging.writing import written
from opsrun.composition.ways import Way
from opsrun.engine.threads import ThreadEngine
from opsrun.errors import UsageError
from opsrun.events import BridgeCost, Summary
from opsrun.modules.base import ModuleError
from opsrun.playbook.runner.bridged import ended
from opsrun.remote.become import BecomeSpec
from opsrun.results import Outcome
from opsrun.secret import Secret
from opsrun.transports.targets.target import SSHTarget


class Loader(yaml.SafeLoader):
    """YAML as ansible-core takes it: text that is tagged stays what it is."""


Loader.add_constructor("!unsafe", lambda loader, node: str(node.value))

TEXT = st.text(st.characters(codec="utf-8"))
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(PLAIN)
def test_what_is_written_is_what_is_read(value: Any) -> None:
    assert yaml.load(written(value), Loader) == value


def test_what_can_not_be_written_is_refused() -> None:
    with pytest.raises(ModuleError, match="content: ansible-core takes no text that is not UTF-8"):
        written({"content": "\udc80"})


def test_ssh_is_told_all_that_opsrun_knows() -> None:
    first = SSHTarget("gate", "192.0.2.1", 22, "ann")
    second = SSHTarget("inner", "192.0.2.2", 2200, "bob", jump=first, use_agent=False)
    target = SSHTarget(
        *("web", "192.0.2.3", 22, "root"),
        identity_files=("/keys/100% mine",),
        identities_only=True,
        known_hosts=("/a b", "/c"),
        host_key_checking="accept-new",
        host_key_alias="web.example",
        jump=second,
    )
    gate, inner, web = ssh_config(target).split("Host ")[1:]
    assert 'HostName "192.0.2.1"\n  Port 22\n  User "ann"\n' in gate
    assert "ProxyJump" not in gate
    assert "ProxyJump opsrun-hop-1\n  IdentitiesOnly no\n  IdentityAgent none\n" in inner
    assert web.startswith("* !opsrun-hop-*\n  ProxyJump opsrun-hop-2\n")
    assert '  IdentityFile "/keys/100%% mine"\n  IdentitiesOnly yes\n' in web
    assert '  UserKnownHostsFile "/a b" "/c"\n  GlobalKnownHostsFile /dev/null\n' in web
    assert '  HostKeyAlias "web.example"\n' in web
    assert "  StrictHostKeyChecking accept-new\n" in web
    with pytest.raises(UsageError, match="can't be said to ssh"):
        ssh_config(SSHTarget("x", "192.0.2.3", 22, "root", identity_files=('a"b',)))


def test_who_is_become_and_with_which_secrets() -> None:
    spec = BecomeSpec("su", "deploy", Secret("sesame"), ("-s", "/bin/sh"))
    target = SSHTarget("web", "192.0.2.3", 22, "root", password=Secret("open"))
    found = reached(Way("web", target, spec), {}, "/x/ssh_config")
    assert set(found.secrets) == {"sesame", "open"}
    assert found.variables["ansible_become_flags"] == "-s /bin/sh"
    assert found.variables["ansible_become_method"] == "su"
    assert "BatchMode" not in found.ssh_config, "ssh would not ask for the password"


def printed(result: str) -> str:
    return f'web | CHANGED => {{}}\nweb | SUCCESS => {{\n    "opsrun_1": {result}\n}}\nmore\n'


def test_an_answer() -> None:
    found = answer(printed('{"a": ["my secret"], "n": 1}'), "", "opsrun_1", ["secret", "a"])
    assert found == {"a": ["my ********"], "n": 1}


@pytest.mark.parametrize("failed", [True, False])
def test_where_sshpass_is_missing_is_told(failed: bool) -> None:
    msg = "to use the 'ssh' connection type with passwords, you must install the sshpass program"
    found = answer(printed(json.dumps({"failed": failed, "msg": msg})), "", "opsrun_1")
    told = found["msg"].removeprefix(msg)
    assert told.startswith(" (sshpass(1) is missing on this machine") if failed else told == ""


@pytest.mark.parametrize(
    ("out", "err", "words"),
    [
        ("", "ERROR! no secret\n\nThe error appears to be in 'x'", "ansible-core: no ********"),
        ("", "[ERROR]: it broke\nOrigin: x", "ansible-core: it broke"),
        ('web | SUCCESS => {\n    "opsrun_1": ', "", "ansible-core gave no result: web | SUCCESS"),
        ("", "", "ansible-core gave no result"),
        (printed('"text"'), "", "ansible-core gave no result: "),
    ],
)
def test_no_answer(out: str, err: str, words: str) -> None:
    with pytest.raises(ModuleError) as caught:
        answer(out, err, "opsrun_1", ["secret"])
    assert str(caught.value.msg).startswith(words)
    assert "Origin" not in str(caught.value.msg)


def test_what_becomes_of_a_result() -> None:
    facts = {"discovered_interpreter_python": "/x"}
    done = ended({"changed": True, "invocation": {}, "_ansible_x": 1, "ansible_facts": facts})
    assert done.result == {"changed": True, "failed": False}
    assert done.outcome is Outcome.CHANGED
    away = ended({"unreachable": True, "msg": "no"})
    assert (away.outcome, away.fleeting) == (Outcome.UNREACHABLE, False)


def test_what_it_cost() -> None:
    engine = ThreadEngine()
    times = iter([0.0, 3.0, 10.0, 14.0])
    costs = Costs(engine.lock(), lambda: next(times))
    before = costs.total
    assert before is None
    with costs.counting("a"), costs.counting("b"):
        pass
    with costs.counting("a"):
        pass
    assert costs.total == BridgeCost(3, 2, 7.0)
    assert engine.close(1.0)
    summary = Summary("1", {}, 9.0, bridge=costs.total)
    assert summary.to_dict()["bridge"] == {"calls": 3, "modules": 2, "seconds": 7.0}
    assert "bridge" not in Summary("1", {}, 9.0).to_dict()
