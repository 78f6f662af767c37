"""Hosts over SSH: a wrapper around paramiko's SSHClient, and the only importer of paramiko.

::

    dial      names to addresses to a connected socket, within deadlines
    lanes     how many handshakes at once one server is sent, and what its drops teach
    pacing    turns: lanes for all who share them
    packets   the packet layer: bounded sizes, few system calls, counted keepalives
    link      the transport thread: phases with deadlines, algorithms worth having
    drops     is it that the server has too much to do?
    channel   one command: a Process without paramiko's buffers in between
    auth      offers credentials in order
    client    SSHTransport and SSHConnection: where all of it meets paramiko.SSHClient
"""
