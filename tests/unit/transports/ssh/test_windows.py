"""How much servers may send before anybody reads."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from opsrun.transports.ssh.wire import IN_FLIGHT, MAX_PACKET, WINDOW, window_for


@given(st.integers(0, 20_000))
def test_all_windows_of_a_run_fit_its_share_of_memory(connections: int) -> None:
    window = window_for(connections)
    assert 2 * MAX_PACKET <= window <= WINDOW
    assert window * connections <= max(IN_FLIGHT, 2 * MAX_PACKET * connections)


def test_few_connections_have_the_whole_window() -> None:
    assert window_for(1) == window_for(100) == WINDOW
    assert window_for(1000) < WINDOW
