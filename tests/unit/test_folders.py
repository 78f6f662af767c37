"""A user's folders are those that platformdirs names, and on Linux they are found without it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

from opsrun import folders


@pytest.mark.parametrize("home", ["/home/me", "/", "relative", "", None])
@pytest.mark.parametrize("named", ["/some/where", "relative/one", "", " /odd", "/end/", None])
@pytest.mark.parametrize("android", [None, "/data"])
def test_they_are_the_platforms(
    monkeypatch: pytest.MonkeyPatch, home: str | None, named: str | None, android: str | None
) -> None:
    values = {"HOME": home, "XDG_CONFIG_HOME": named, "XDG_STATE_HOME": named}
    for name, value in {**values, "ANDROID_DATA": android}.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert folders.config_folder() == Path(platformdirs.user_config_dir("opsrun"))
    assert folders.state_folder() == Path(platformdirs.user_state_dir("opsrun"))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is asked")
def test_it_is_not_imported_for_that() -> None:
    code = (
        "import sys; from opsrun import folders; folders.config_folder(); folders.state_folder();"
        "print('platformdirs' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"


@pytest.mark.parametrize("kind", ["config", "state"])
def test_other_platforms_ask_it(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(platformdirs, f"user_{kind}_dir", lambda app: f"/Library/{app}")
    assert getattr(folders, f"{kind}_folder")() == Path("/Library/opsrun")
