"""What of paramiko's inside we stand on, in one place and with types.

paramiko has no public way to give a channel its own class, to bound a packet, or to wait for a
phase without polling, so `link`, `packets` and `auth` override protected methods. The declarations
below are that contract; a test holds them against the installed paramiko.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from paramiko.message import Message

if TYPE_CHECKING:

    class Channels:
        """Channels by number; holds them weakly."""

        def put(self, chanid: int, channel: Any) -> None: ...
        def get(self, chanid: int) -> Any: ...
        def values(self) -> list[Any]: ...

    class TransportBase:
        """`paramiko.Transport`."""

        active: bool
        initial_kex_done: bool
        in_kex: bool
        saved_exception: BaseException | None
        auth_handler: Any
        packetizer: Any
        completion_event: Any
        sock: socket.socket
        lock: Any
        channels_seen: dict[int, bool]
        remote_version: str
        local_cipher: str
        local_mac: str
        host_key_type: str
        kex_engine: Any
        session_id: bytes
        _active_check_timeout: float
        _preferred_keys: tuple[str, ...]
        _preferred_kex: tuple[str, ...]
        _kex_info: dict[str, Any]
        _channels: Channels
        _handler_table: dict[int, Callable[[Message], None]]

        def __init__(self, sock: socket.socket, **options: Any) -> None: ...
        def start(self) -> None: ...
        def run(self) -> None: ...
        def get_exception(self) -> BaseException | None: ...
        def get_remote_server_key(self) -> Any: ...
        def _check_banner(self) -> None: ...
        def _filter_algorithm(self, type_: str) -> tuple[str, ...]: ...
        def _parse_debug(self, m: Message) -> None: ...
        def _parse_kex_init(self, m: Message) -> None: ...
        def _next_channel(self) -> int: ...
        def _unlink_channel(self, chanid: int) -> None: ...
        def _send_message(self, data: Any) -> None: ...
        def _send_user_message(self, data: Any) -> None: ...

    class PacketizerBase:
        """`paramiko.packet.Packetizer`."""

        REKEY_BYTES: int
        REKEY_BYTES_OVERFLOW_MAX: int
        REKEY_PACKETS: int
        closed: bool
        _Packetizer__aead_in: bool
        _Packetizer__aead_out: bool
        _Packetizer__block_engine_in: Any
        _Packetizer__block_engine_out: Any
        _Packetizer__block_size_out: int
        _Packetizer__iv_in: bytes
        _Packetizer__iv_out: bytes
        _Packetizer__received_bytes: int
        _Packetizer__received_packets: int
        _Packetizer__sequence_number_in: int
        _Packetizer__sequence_number_out: int
        _Packetizer__sent_bytes: int
        _Packetizer__sent_packets: int
        _Packetizer__received_bytes_overflow: int
        _Packetizer__received_packets_overflow: int
        _Packetizer__write_lock: Any

        def __init__(self, socket: Any) -> None: ...
        def read_message(self) -> tuple[int, Message]: ...
        def send_message(self, data: Any) -> None: ...
        def _inc_iv_counter(self, iv: bytes) -> bytes: ...
        def need_rekey(self) -> bool: ...
        def _trigger_rekey(self) -> None: ...
        def close(self) -> None: ...

    class AuthHandlerBase:
        """`paramiko.auth_handler.AuthHandler`."""

        authenticated: bool
        username: str | None
        auth_event: Any
        auth_method: str
        banner: bytes | None
        transport: Any
        password: Any
        private_key: Any
        interactive_handler: Any
        submethods: Any

        def __init__(self, transport: Any) -> None: ...
        def is_authenticated(self) -> bool: ...
        def _parse_service_accept(self, m: Message) -> None: ...
        def _parse_userauth_failure(self, m: Message) -> None: ...
        def _parse_userauth_info_request(self, m: Message) -> None: ...
        def _finalize_pubkey_algorithm(self, key_type: str) -> str: ...

    class NeedRekeyException(Exception):
        """Raised by a read to have the transport start a new key exchange."""

else:
    from paramiko import Transport as TransportBase
    from paramiko.auth_handler import AuthHandler as AuthHandlerBase
    from paramiko.packet import NeedRekeyException
    from paramiko.packet import Packetizer as PacketizerBase

__all__ = ["AuthHandlerBase", "NeedRekeyException", "PacketizerBase", "TransportBase"]
