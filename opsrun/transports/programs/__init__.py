"""Hosts that a local program gives a shell on: ssh(1), docker, podman, kubectl.

::

    argv        from variables and options to the program's words; never a secret among them
    marks       what tells the command's end from the program's own
    program     the processes, and the one transport for all of them
"""
