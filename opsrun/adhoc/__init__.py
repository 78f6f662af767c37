"""The work of exec, ping and wait on one host.

::

    base   what all work has in common: one start, one result, whatever happens between them
    run    a command, with retries of what never reached a shell
    ping   login, shell, round trip
    wait   until what is wanted holds; `when_ready` does other work then
    checks what can be waited for, and how it is written
    lookout the waiting itself: gates, one prober for all who ask the same
"""
