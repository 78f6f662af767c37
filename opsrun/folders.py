"""Where the platform keeps a user's settings and state.

platformdirs knows for all platforms. What it says on Linux is said here as well, for where that is
all that there is to it: its import takes longer than reading what is in the folders.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

_APP = "opsrun"


def config_folder() -> Path:
    """For settings; on Linux ``~/.config/opsrun``, or below ``$XDG_CONFIG_HOME``."""
    beside = _base("XDG_CONFIG_HOME", ".config")
    if beside is None:
        import platformdirs

        return Path(platformdirs.user_config_dir(_APP))
    return Path(beside, _APP)


def state_folder() -> Path:
    """For what runs leave; on Linux ``~/.local/state/opsrun``, or below ``$XDG_STATE_HOME``."""
    beside = _base("XDG_STATE_HOME", ".local/state")
    if beside is None:
        import platformdirs

        return Path(platformdirs.user_state_dir(_APP))
    return Path(beside, _APP)


def _base(variable: str, usual: str) -> str | None:
    """XDG Base Directory Specification; None where more has to be looked at."""
    if sys.platform != "linux" or "ANDROID_DATA" in os.environ:
        return None
    named, home = os.environ.get(variable, ""), os.environ.get("HOME", "")
    if os.path.isabs(named):
        # A relative path is invalid, says the specification, and counts as none.
        return named
    return os.path.join(home, usual) if os.path.isabs(home) else None
