"""What Ansible reports of a run, as JSON lines into the file ``$OUTCOMES_FILE``.

Loaded by ansible-playbook alone, as a callback plugin; nothing here is imported by opsrun.
"""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase  # type: ignore[import-not-found]


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """One line for every outcome."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "outcomes"

    def _write(self, **line: Any) -> None:
        with open(os.environ["OUTCOMES_FILE"], "a", encoding="utf-8") as file:
            file.write(json.dumps(line, default=str) + "\n")

    def _result(
        self, result: Any, outcome: str, *, ignored: bool = False, item: bool = False
    ) -> None:
        found = {k: v for k, v in result._result.items() if not k.startswith("_ansible")}
        label = result._result.get("_ansible_item_label", found.get(found.get("ansible_loop_var")))
        if outcome == "ok" and found.get("changed"):
            outcome = "changed"
        delegated = result._result.get("_ansible_delegated_vars", {})
        self._write(
            type="result",
            host=result._host.get_name(),
            task=(result._task.name or "").strip(),
            action=result._task.action,
            outcome=outcome,
            ignored=bool(ignored),
            item=label if isinstance(label, str) and item else None,
            per_item=item,
            loop="results" in found and result._task.loop is not None,
            delegate=delegated.get("ansible_delegated_host") if not item else None,
            result=found,
        )

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._write(type="play", name=play.get_name().strip())

    def v2_runner_on_ok(self, result: Any) -> None:
        self._result(result, "ok")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._result(result, "failed", ignored=ignore_errors)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._result(result, "skipped")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        ignored = result._task.ignore_unreachable is True
        self._result(result, "unreachable", ignored=ignored)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        self._result(result, "ok", item=True)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        self._result(result, "failed", item=True)

    def v2_runner_item_on_skipped(self, result: Any) -> None:
        self._result(result, "skipped", item=True)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        hosts = {host: stats.summarize(host) for host in sorted(stats.processed)}
        self._write(type="stats", hosts=hosts)
