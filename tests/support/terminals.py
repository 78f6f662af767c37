"""Whether servers that are started here can give terminals."""

from __future__ import annotations

import grp
import os

import pytest


def need_sshd_with_terminals() -> None:
    """Skip the test where an sshd of ours has none.

    It gives each to the group ``tty``, which nobody but root may do; for others devpts has to have
    done it (its option ``gid``, see mount(8)).
    """
    if os.geteuid() == 0:
        return
    ours, theirs = os.openpty()
    group = os.fstat(theirs).st_gid
    os.close(ours)
    os.close(theirs)
    if group != grp.getgrnam("tty").gr_gid:
        pytest.skip("sshd gives no terminals here: it is not root's, and devpts has no gid=")
