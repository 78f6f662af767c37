"""What is offered, in which order, and what is asked for on the way."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from paramiko import PKey
from paramiko.message import Message

from opsrun.engine.threads import ThreadEngine
from opsrun.errors import AuthenticationFailed
from opsrun.secret import Secret
from opsrun.transports.credentials.agent import Agent, Identity
from opsrun.transports.credentials.files import read_key_file
from opsrun.transports.credentials.keyring import Credential, KeyRing
from opsrun.transports.credentials.passphrases import Passphrases
from opsrun.transports.targets.target import SSHTarget

pytestmark = pytest.mark.skipif(
    shutil.which("ssh-keygen") is None, reason="there is no ssh-keygen to make keys with"
)


def keygen(*words: str) -> None:
    subprocess.run(["ssh-keygen", "-q", *words], check=True, timeout=30, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys by name, made once: ``plain``, ``locked`` (pass ``sesame``), ``rsa`` …"""
    folder = tmp_path_factory.mktemp("keys")
    for name, kind, passphrase in (
        *(("plain", "ed25519", ""), ("other", "ed25519", ""), ("locked", "ed25519", "sesame")),
        *(("ecdsa", "ecdsa", ""), ("rsa", "rsa", ""), ("ca", "ed25519", "")),
    ):
        keygen("-t", kind, "-N", passphrase, "-C", name, "-f", str(folder / name))
    keygen("-s", str(folder / "ca"), "-I", "me", "-n", "me", str(folder / "other.pub"))
    return folder


@pytest.fixture
def keys(store: Path, tmp_path: Path) -> Path:
    shutil.copytree(store, tmp_path / "keys")
    (tmp_path / "keys" / "other-cert.pub").rename(tmp_path / "keys" / "cert.pub")
    return tmp_path / "keys"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "home" / ".ssh").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return tmp_path / "home" / ".ssh"


def target(*files: Path, **more: object) -> SSHTarget:
    values: dict[str, object] = {"host": "web", "address": "web.invalid", "port": 22, "user": "u"}
    values["identity_files"] = tuple(str(path) for path in files)
    return SSHTarget(**(values | more))  # type: ignore[arg-type]


def labels(offers: list[Credential]) -> list[str]:
    return [os.path.basename(one.label) for one in offers]


class Asker:
    """Answers prompts in order, and keeps them."""

    def __init__(self, *answers: str | None) -> None:
        self.prompts: list[str] = []
        self._answers = list(answers)

    def __call__(self, prompt: str, given_up: Callable[[], bool], /) -> Secret | None:
        self.prompts.append(prompt)
        answer = self._answers.pop(0)
        return None if answer is None else Secret(answer)


def never() -> bool:
    return False


def unlocked(ring: KeyRing, asker: Asker, one: SSHTarget) -> Credential:
    """What is offered to a target first, once it was asked for if need be."""
    first = ring.offers(one)[0]
    if first.locked is None:
        return first
    Passphrases(ThreadEngine(), asker, ring.warnings.append).unlock(first.locked, never)
    return ring.offers(one)[0]


class FakeAgent(Agent):
    """Holds the public halves of files; what it signs nobody looks at."""

    def __init__(self, *files: Path) -> None:
        super().__init__("/fake")
        self.held = []
        for path in files:
            public = read_key_file(str(path)).public
            assert public is not None
            self.held.append(Identity(public, path.name))

    def identities(self) -> list[Identity]:
        return self.held


@pytest.fixture
def with_agent(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakeAgent]:
    def use(*files: Path) -> FakeAgent:
        agent = FakeAgent(*files)
        monkeypatch.setenv("SSH_AUTH_SOCK", "/fake")
        monkeypatch.setattr("opsrun.transports.credentials.keyring.Agent", lambda *a, **k: agent)
        return agent

    return use


FORMATS = {
    "openssh": [],
    "pem": ["-m", "PEM"],
    "pkcs8": ["-m", "PKCS8"],
}


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("passphrase", ["", "se same ü"])
def test_every_kind_and_format_signs(
    home: Path, tmp_path: Path, kind: str, form: str, passphrase: str
) -> None:
    path = tmp_path / "key"
    size = ["-b", "2048"] if kind == "rsa" else []
    keygen("-t", kind, *size, *FORMATS[form], "-N", passphrase, "-f", str(path))
    asker = Asker(passphrase)
    key = unlocked(KeyRing(can_ask=True), asker, target(path)).key()
    public = PKey.from_type_string(key.get_name(), key.asbytes())
    signature = key.sign_ssh_data(b"data")
    assert public.verify_ssh_sig(b"data", Message(signature.asbytes()))
    assert (tmp_path / "key.pub").read_text().split()[1] == key.get_base64()
    assert len(asker.prompts) == bool(passphrase)


@pytest.mark.parametrize("cipher", ["aes256-cbc", "aes256-gcm@openssh.com"])
def test_other_ciphers_of_key_files(home: Path, tmp_path: Path, cipher: str) -> None:
    path = tmp_path / "key"
    keygen("-t", "ed25519", "-Z", cipher, "-N", "x", "-f", str(path))
    assert unlocked(KeyRing(can_ask=True), Asker("x"), target(path)).key().can_sign()


def test_a_cipher_that_cannot_be_read_is_named(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "key"
    keygen("-t", "ed25519", "-Z", "aes128-ctr", "-N", "x", "-f", str(path))
    with pytest.raises(AuthenticationFailed, match=r"not supported: .*aes128-ctr"):
        unlocked(KeyRing(can_ask=True), Asker("x"), target(path))


def test_one_key_for_a_thousand_hosts(home: Path, keys: Path) -> None:
    asker = Asker("wrong", "sesame")
    ring = KeyRing(can_ask=True)
    many = [target(keys / "locked", host=f"h{n}") for n in range(1000)]
    ring.prepare(many)
    first = unlocked(ring, asker, many[0]).key()
    assert asker.prompts == [
        f"passphrase for {keys / 'locked'}: ",
        f"wrong; passphrase for {keys / 'locked'}: ",
    ]
    assert all(ring.offers(one)[0].key() is first for one in many)


@pytest.mark.parametrize(
    ("answers", "problem"),
    [((None,), "no passphrase was given"), (("a", "b", "c"), "wrong passphrase")],
)
def test_without_the_passphrase_the_key_is_named(
    home: Path, keys: Path, answers: tuple[str | None, ...], problem: str
) -> None:
    asker = Asker(*answers)
    ring = KeyRing(can_ask=True)
    with pytest.raises(AuthenticationFailed, match=problem) as caught:
        unlocked(ring, asker, target(keys / "locked"))
    assert len(asker.prompts) == len(answers)
    assert str(keys / "locked") in str(caught.value)
    assert (caught.value.host, caught.value.phase) == ("web", "auth")
    [warning] = ring.warnings
    assert problem in warning
    assert "going on without it" in warning


def test_nobody_to_ask(home: Path, keys: Path) -> None:
    ring = KeyRing()
    ring.prepare([target(keys / "locked")])
    with pytest.raises(AuthenticationFailed, match="encrypted, and there is nobody to ask"):
        ring.offers(target(keys / "locked"))


def test_what_a_server_can_be_asked_about_an_encrypted_key(home: Path, keys: Path) -> None:
    shutil.copy(keys / "cert.pub", keys / "other-cert.pub")
    for name in ("other", "locked"):
        keygen("-p", "-P", "" if name == "other" else "sesame", "-N", "x", "-f", str(keys / name))
    (keys / "locked.pub").unlink()
    certificate, plain, bare = KeyRing(can_ask=True).offers(
        target(keys / "other", keys / "locked", use_agent=False)
    )
    assert labels([certificate, plain, bare]) == ["other-cert.pub", "other", "locked"]
    public = [read_key_file(str(keys / name)).public for name in ("other", "locked")]
    assert [plain.public, bare.public] == public
    assert (certificate.public or b"")[4:].startswith(b"ssh-ed25519-cert-v01@openssh.com")
    assert all(one.locked is not None and one.is_usable for one in (certificate, plain, bare))
    [given, *_] = KeyRing(can_ask=True).offers(
        target(keys / "other", certificate_files=(str(keys / "cert.pub"),))
    )
    assert given.public == certificate.public


def test_of_an_old_format_nothing_is_known_but_by_its_pub(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "key"
    keygen("-t", "ecdsa", "-m", "PEM", "-N", "sesame", "-f", str(path))
    [known] = KeyRing(can_ask=True).offers(target(path))
    assert known.public is not None
    path.with_suffix(".pub").unlink()
    [unknown] = KeyRing(can_ask=True).offers(target(path))
    assert unknown.locked is not None
    assert unknown.public is None


def test_a_key_that_the_agent_has_is_not_asked_for(
    home: Path, keys: Path, with_agent: Callable[..., FakeAgent]
) -> None:
    with_agent(keys / "locked")
    [only] = KeyRing(can_ask=True).offers(target(keys / "locked"))
    assert only.is_usable
    assert only.locked is None


def test_order(home: Path, keys: Path, with_agent: Callable[..., FakeAgent]) -> None:
    with_agent(keys / "ecdsa", keys / "rsa")
    shutil.copy(keys / "cert.pub", keys / "other-cert.pub")
    one = target(keys / "other", keys / "rsa", password=Secret("x"))
    offers = KeyRing().offers(one)
    assert labels(offers) == ["other-cert.pub", "other", "rsa", "agent key ecdsa", "password"]
    assert offers[-1].methods == ("password", "keyboard-interactive")
    assert offers[-1].password().reveal() == "x"


def test_identities_only(home: Path, keys: Path, with_agent: Callable[..., FakeAgent]) -> None:
    with_agent(keys / "ecdsa", keys / "rsa")
    one = target(keys / "plain", keys / "rsa", identities_only=True)
    assert labels(KeyRing().offers(one)) == ["plain", "rsa"]
    shutil.copy(keys / "ecdsa", home / "id_ecdsa")
    shutil.copy(keys / "ecdsa.pub", home / "id_ecdsa.pub")
    assert labels(KeyRing().offers(target(identities_only=True))) == ["agent key ecdsa"]


def test_a_public_key_picks_the_agents(
    home: Path, keys: Path, with_agent: Callable[..., FakeAgent]
) -> None:
    with_agent(keys / "ecdsa", keys / "rsa")
    one = target(keys / "rsa.pub", identities_only=True)
    [only] = KeyRing().offers(one)
    assert only.key().get_name() == "ssh-rsa"
    (keys / "ecdsa").unlink()
    [only] = KeyRing().offers(target(keys / "ecdsa", identities_only=True))
    assert only.key().get_name() == "ecdsa-sha2-nistp256"
    with pytest.raises(AuthenticationFailed, match="a public key"):
        KeyRing().offers(target(keys / "plain.pub", identities_only=True, use_agent=False))


def test_certificate_with_its_key(home: Path, keys: Path) -> None:
    one = target(keys / "plain", keys / "other", certificate_files=(str(keys / "cert.pub"),))
    first = KeyRing().offers(one)[0]
    assert labels(KeyRing().offers(one)) == ["cert.pub", "plain", "other"]
    blob = first.key().public_blob
    assert blob is not None
    assert blob.key_type == "ssh-ed25519-cert-v01@openssh.com"
    assert KeyRing().offers(one)[2].key().public_blob is None


def test_certificate_with_the_agents_key(
    home: Path, keys: Path, with_agent: Callable[..., FakeAgent]
) -> None:
    with_agent(keys / "other")
    one = target(certificate_files=(str(keys / "cert.pub"),))
    assert labels(KeyRing().offers(one)) == ["cert.pub", "agent key other"]


def test_a_certificate_that_fits_no_key_is_told(home: Path, keys: Path) -> None:
    one = target(keys / "plain", certificate_files=(str(keys / "cert.pub"), "/none"))
    offers = KeyRing().offers(one)
    with pytest.raises(ValueError, match="private key is not at hand"):
        offers[0].key()
    with pytest.raises(ValueError, match="No such file"):
        offers[1].key()
    shutil.copy(keys / "cert.pub", keys / "plain-cert.pub")
    assert labels(KeyRing().offers(target(keys / "plain"))) == ["plain"]


def test_defaults_are_offered_and_missing_ones_are_silently_fine(home: Path, keys: Path) -> None:
    shutil.copy(keys / "rsa", home / "id_rsa")
    shutil.copy(keys / "plain", home / "id_ed25519")
    assert labels(KeyRing().offers(target())) == ["id_ed25519", "id_rsa"]
    assert labels(KeyRing().offers(target(keys / "ecdsa"))) == ["ecdsa"]
    with pytest.raises(AuthenticationFailed, match="nothing to log in with"):
        KeyRing().offers(target(default_identities=False))


def test_an_encrypted_default_stands_behind_the_agents_keys(
    home: Path, keys: Path, with_agent: Callable[..., FakeAgent]
) -> None:
    with_agent(keys / "ecdsa")
    shutil.copy(keys / "locked", home / "id_ed25519")
    offers = KeyRing(can_ask=True).offers(target(password=Secret("x")))
    assert labels(offers) == ["agent key ecdsa", "id_ed25519", "password"]
    assert [one.locked is not None for one in offers] == [False, True, False]


def test_a_missing_key_is_named_beside_what_else_there_is(home: Path, tmp_path: Path) -> None:
    one = target(tmp_path / "none", password=Secret("x"))
    offers = KeyRing().offers(one)
    assert labels(offers) == ["none", "password"]
    with pytest.raises(ValueError, match="no such file"):
        offers[0].key()
    with pytest.raises(AuthenticationFailed, match="none: no such file"):
        KeyRing().offers(target(tmp_path / "none"))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_that_others_may_read_is_refused(home: Path, keys: Path, mode: int) -> None:
    (keys / "plain").chmod(mode)
    with pytest.raises(AuthenticationFailed, match=f"mode {mode:04o} lets others"):
        KeyRing().offers(target(keys / "plain"))


CONTENTS = {
    "empty": b"",
    "noise": bytes(range(256)),
    "half": b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n",
    "no key": b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
    "bad base64": b"-----BEGIN OPENSSH PRIVATE KEY-----\n??\n-----END OPENSSH PRIVATE KEY-----\n",
    "certificate": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    "public type": b"ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAA x\n",
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS.keys())
def test_what_is_no_key_is_one_error(home: Path, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(AuthenticationFailed) as caught:
        KeyRing().offers(target(path))
    assert f"{path}: " in str(caught.value)


def test_a_truncated_key_is_one_error(home: Path, keys: Path) -> None:
    text = (keys / "rsa").read_text().splitlines()
    (keys / "rsa").write_text("\n".join([*text[:5], text[-1]]))
    with pytest.raises(AuthenticationFailed, match="rsa: "):
        KeyRing().offers(target(keys / "rsa"))


def test_a_directory_or_pipe_is_one_error(home: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path, tmp_path / "fifo"):
        with pytest.raises(AuthenticationFailed, match="not a regular file"):
            KeyRing().offers(target(path))


def test_methods_are_honoured_in_their_order(home: Path, keys: Path) -> None:
    def offered(*methods: str) -> list[str]:
        one = target(keys / "plain", password=Secret("x"), auth_methods=methods)
        return labels(KeyRing().offers(one))

    assert offered("password", "publickey") == ["password", "plain"]
    assert offered("keyboard-interactive") == ["password"]
    assert offered("publickey") == ["plain"]
    with pytest.raises(AuthenticationFailed):
        offered()


def test_an_agent_that_fails_is_told_once_and_done_without(
    home: Path, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SSH_AUTH_SOCK", "s")
    ring = KeyRing(agent_timeout=0.05)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind("s")
        silent.listen()
        ring.prepare([target(keys / "plain")] * 3)
        assert labels(ring.offers(target(keys / "plain"))) == ["plain"]
    assert ring.warnings == ["ssh-agent s: no answer within 0.05 s; going on without it"]


def test_a_stale_socket_is_not_worth_a_word(
    home: Path, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "none"))
    ring = KeyRing()
    assert labels(ring.offers(target(keys / "plain"))) == ["plain"]
    assert ring.warnings == []


def test_keys_of_the_agents_that_are_skipped_are_part_of_the_story(
    home: Path, keys: Path, with_agent: Callable[..., FakeAgent]
) -> None:
    told: list[str] = []
    agent = with_agent(keys / "rsa")
    agent.skipped = ["sk-ssh-ed25519@openssh.com"]
    KeyRing(tell=told.append).prepare([target()] * 2)
    [line] = told
    assert "holds 1 key and some that are skipped: sk-ssh-ed25519@openssh.com" in line
    assert "ssh_binary" in line


def test_an_agent_of_ones_own(home: Path, keys: Path, tmp_path: Path) -> None:
    ring = KeyRing()
    ring.offers(target(keys / "plain", agent_socket=str(tmp_path / "mine")))
    assert str(tmp_path / "mine") in ring.warnings[0]
    ring.offers(target(keys / "plain", agent_socket=str(tmp_path / "x"), use_agent=False))
    assert len(ring.warnings) == 1


def test_no_secret_shows(home: Path, keys: Path) -> None:
    offers = KeyRing().offers(target(keys / "plain", password=Secret("hunter2")))
    assert "hunter2" not in repr(offers)
    assert "PRIVATE" not in repr(read_key_file(str(keys / "locked")))


def test_in_batch_mode_an_encrypted_key_is_not_asked_for(home: Path, keys: Path) -> None:
    with pytest.raises(AuthenticationFailed, match="BatchMode"):
        KeyRing(can_ask=True).offers(target(keys / "locked", may_ask=False))
