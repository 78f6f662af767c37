"""The work of exec, ping and wait on one host.

::

    base   what all work has in common: one start, one result, whatever happens between them
    run    a command, with retries of what never reached a shell
    ping   login, shell, round trip
    wait   gates in front of one host
"""
