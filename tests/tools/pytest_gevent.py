"""pytest in a process that gevent has patched: ``python tests/tools/pytest_gevent.py PATHS...``.

The same tests as in an ordinary process; the fixtures choose the engine by what the process is.
"""

from __future__ import annotations

import sys

from opsrun.engine.greenlets import patch

if __name__ == "__main__":
    # Before pytest: it imports ssl, threading and much else that has to be patched first.
    patch()

    import pytest

    sys.exit(pytest.main(["-p", "no:cacheprovider", *sys.argv[1:]]))
