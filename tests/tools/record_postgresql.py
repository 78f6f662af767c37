"""Records what a real PostgreSQL server answers to the tasks of ``support.postgresql``.

python tests/tools/record_postgresql.py
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support import disposable
from support.machine_cases import inside
from support.postgresql import ANSWERS, START, recorded


def main() -> None:
    """Record all of them."""
    with tempfile.TemporaryDirectory(prefix="postgresql-") as scratch:
        top = Path(scratch).resolve()
        with disposable.machine(top / "box", START) as box, inside(box, top) as host:
            made = recorded(host.hands)
    ANSWERS.parent.mkdir(exist_ok=True)
    ANSWERS.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
