"""One command of a mock host: a local process at the other end of an SSH channel."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from typing import IO, Any

import paramiko
from paramiko.common import cMSG_CHANNEL_REQUEST

_CHUNK = 32_768


def run_command(channel: paramiko.Channel, command: str, env: Mapping[str, str]) -> None:
    """Have the account's login shell run ``command``, as sshd does, and close the channel after.

    The exit status goes out when the shell ends, the end of output when nobody holds it any more.
    """
    process = subprocess.Popen(
        [_shell(), "-c", command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=env,
        cwd=env.get("HOME"),
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    _thread(_feed, channel, process.stdin)
    pumps = [
        _thread(_pump, process.stdout, channel.sendall),
        _thread(_pump, process.stderr, channel.sendall_stderr),
    ]
    _tell_end(channel, process.wait())
    for pump in pumps:
        pump.join()
    channel.close()


def _shell() -> str:
    """The login shell, or sh for an account that has none that runs commands."""
    try:
        shell = pwd.getpwuid(os.geteuid()).pw_shell
    except KeyError:
        shell = ""
    unfit = os.path.basename(shell) in ("", "nologin", "false") or not os.access(shell, os.X_OK)
    return "/bin/sh" if unfit else shell


def _thread(work: Callable[..., None], *args: object) -> threading.Thread:
    thread = threading.Thread(target=work, args=args, daemon=True)
    thread.start()
    return thread


def _feed(channel: paramiko.Channel, stdin: IO[bytes]) -> None:
    """From the channel to stdin, to the end of either; what nobody reads any more is dropped."""
    wanted = True
    try:
        while data := channel.recv(_CHUNK):
            if wanted:
                wanted = _written(stdin, data)
    finally:
        _close(stdin)


def _written(stdin: IO[bytes], data: bytes) -> bool:
    try:
        stdin.write(data)
        stdin.flush()
    except BrokenPipeError:
        return False
    return True


def _pump(output: IO[bytes], send: Callable[[bytes], object]) -> None:
    try:
        while data := os.read(output.fileno(), _CHUNK):
            send(data)
    except OSError:
        pass  # the client has gone: closing the pipe tells the command so
    finally:
        _close(output)


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except BrokenPipeError:
        pass


def _tell_end(channel: paramiko.Channel, returncode: int) -> None:
    """Send exit-status, or exit-signal for a command that a signal ended (RFC 4254, 6.10)."""
    try:
        if returncode >= 0:
            channel.send_exit_status(returncode)
            return
        transport: Any = channel.transport  # paramiko sends this message in no public way
        message = paramiko.Message()
        message.add_byte(cMSG_CHANNEL_REQUEST)
        message.add_int(channel.remote_chanid)
        message.add_string("exit-signal")
        message.add_boolean(False)
        message.add_string(signal.Signals(-returncode).name.removeprefix("SIG"))
        message.add_boolean(False)
        message.add_string("")
        message.add_string("")
        transport._send_user_message(message)
    except (OSError, EOFError, paramiko.SSHException):
        pass  # the client has gone, and with it whoever wanted to know
