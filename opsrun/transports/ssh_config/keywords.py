"""Every keyword of ssh_config(5), and what becomes of it here.

========  =========================================================================================
honoured  ``HostName User Port IdentityFile CertificateFile IdentitiesOnly IdentityAgent
          HostKeyAlias ProxyJump ProxyCommand UserKnownHostsFile GlobalKnownHostsFile
          StrictHostKeyChecking HashKnownHosts ConnectTimeout ConnectionAttempts
          ServerAliveInterval ServerAliveCountMax AddressFamily PreferredAuthentications
          PubkeyAuthentication PasswordAuthentication KbdInteractiveAuthentication BatchMode``; also
          ``Host Match Include IgnoreUnknown``
harmless  changes nothing that opsrun does: connection sharing, logging, escape characters, prompts
          that never come, forwarding that is switched *off*, canonicalization details, options
          that OpenSSH itself has dropped. Also what only ever adds trust (``VerifyHostKeyDNS``,
          ``NoHostAuthenticationForLocalhost``): without it we are stricter
unused    would have had an effect that opsrun doesn't have: forwardings, environment, algorithm
          lists (our own are no weaker, and the host's key is checked all the same), GSSAPI,
          hardware tokens, a terminal. In a file it is passed over and listed at ``-vv``; asked for
          in an option of ours, it is an error
refused   decides which host is reached, through what, or which key is trusted: ``BindAddress
          BindInterface CanonicalizeHostname KnownHostsCommand RevokedHostKeys RefuseConnection``,
          unless its value is the one that switches it off
========  =========================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum


class Use(Enum):
    """What becomes of a keyword."""

    HONOURED = "honoured"
    HARMLESS = "harmless"
    UNUSED = "unused"
    REFUSED = "refused"


_HONOURED = """
    HostName User Port IdentityFile CertificateFile IdentitiesOnly IdentityAgent HostKeyAlias
    ProxyJump ProxyCommand UserKnownHostsFile GlobalKnownHostsFile StrictHostKeyChecking
    HashKnownHosts ConnectTimeout ConnectionAttempts ServerAliveInterval ServerAliveCountMax
    AddressFamily PreferredAuthentications PubkeyAuthentication PasswordAuthentication
    KbdInteractiveAuthentication BatchMode Host Match Include IgnoreUnknown
"""

_HARMLESS = """
    AddKeysToAgent CanonicalDomains CanonicalizeFallbackLocal CanonicalizeMaxDots
    CanonicalizePermittedCNAMEs ClearAllForwardings Compression ControlMaster
    ControlPath ControlPersist EnableEscapeCommandline EnableSSHKeysign EscapeChar
    ExitOnForwardFailure FingerprintHash ForkAfterAuthentication ForwardX11Timeout
    ForwardX11Trusted GatewayPorts GSSAPIDelegateCredentials GSSAPIRenewalForcesRekey
    GSSAPITrustDns IPQoS KbdInteractiveDevices LogLevel LogVerbose NoHostAuthenticationForLocalhost
    NumberOfPasswordPrompts ObscureKeystrokeTiming PermitLocalCommand PermitRemoteOpen
    ProxyUseFdpass RekeyLimit StdinNull StreamLocalBindMask
    StreamLocalBindUnlink SyslogFacility Tag TCPKeepAlive TunnelDevice UpdateHostKeys UseKeychain
    UseRoaming VerifyHostKeyDNS VersionAddendum VisualHostKey WarnWeakCrypto XAuthLocation
    ChannelTimeout Protocol Cipher CompressionLevel UsePrivilegedPort UseRsh FallBackToRsh
    RhostsAuthentication RhostsRSAAuthentication RSAAuthentication DSAAuthentication
    AFSTokenPassing KerberosAuthentication KerberosTGTPassing SkeyAuthentication TISAuthentication
    GlobalKnownHostsFile2 UserKnownHostsFile2 UseBlacklistedKeys
"""

_UNUSED = """
    CASignatureAlgorithms CheckHostIP Ciphers DynamicForward ForwardAgent ForwardX11
    GSSAPIAuthentication GSSAPIClientIdentity GSSAPIKexAlgorithms GSSAPIKeyExchange
    GSSAPIServerIdentity HostbasedAcceptedAlgorithms HostbasedAuthentication HostKeyAlgorithms
    KexAlgorithms LocalCommand LocalForward MACs PKCS11Provider PubkeyAcceptedAlgorithms
    RemoteCommand RemoteForward RequestTTY RequiredRSASize SecurityKeyProvider SendEnv SessionType
    SetEnv Tunnel
"""

_REFUSED = """
    BindAddress BindInterface CanonicalizeHostname KnownHostsCommand RevokedHostKeys
    RefuseConnection
"""

_ALIASES = {
    "challengeresponseauthentication": "kbdinteractiveauthentication",
    "hostbasedkeytypes": "hostbasedacceptedalgorithms",
    "pubkeyacceptedkeytypes": "pubkeyacceptedalgorithms",
    "protocolkeepalives": "serveraliveinterval",
    "setuptimeout": "serveraliveinterval",
    "identityfile2": "identityfile",
    "smartcarddevice": "pkcs11provider",
    "keepalive": "tcpkeepalive",
}
"""Older spellings that OpenSSH still reads."""

_OFF = frozenset({"no", "none", "false", "off"})

_USUAL = {"requesttty": ("no", "auto", "false"), "sessiontype": ("default",)}
"""Values that ask for what is done anyway."""

INSTEAD = {
    "requesttty": "--pty gives commands a terminal",
    "setenv": "--env gives commands a variable",
    "sendenv": "--env gives commands a variable",
    "gssapiauthentication": "ansible_connection=ssh_binary has ssh(1) do it",
    "securitykeyprovider": "ansible_connection=ssh_binary has ssh(1) do it",
    "pkcs11provider": "ansible_connection=ssh_binary has ssh(1) do it",
    "hostbasedauthentication": "ansible_connection=ssh_binary has ssh(1) do it",
}
"""What to do in place of a keyword that has no effect."""

_OFF_BY_VALUE = frozenset(
    {
        *("bindaddress", "bindinterface", "canonicalizehostname", "knownhostscommand"),
        *("revokedhostkeys", "checkhostip", "forwardagent", "forwardx11", "gssapiauthentication"),
        *("gssapikeyexchange", "hostbasedauthentication", "localcommand", "pkcs11provider"),
        *("remotecommand", "tunnel"),
    }
)
"""Unused or refused keywords that ask for nothing when their value is ``no`` or ``none``."""


def _table() -> dict[str, tuple[str, Use]]:
    groups = (
        (_HONOURED, Use.HONOURED),
        (_HARMLESS, Use.HARMLESS),
        (_UNUSED, Use.UNUSED),
        (_REFUSED, Use.REFUSED),
    )
    return {name.lower(): (name, use) for names, use in groups for name in names.split()}


KEYWORDS: Mapping[str, tuple[str, Use]] = _table()
"""Keyword in lower case: its usual spelling, and what becomes of it."""


def canonical(word: str) -> str:
    """The keyword in lower case, an older spelling replaced by today's."""
    lower = word.lower()
    return _ALIASES.get(lower, lower)


def spelling(keyword: str) -> str:
    """How the manual writes a keyword that `KEYWORDS` has."""
    return KEYWORDS[keyword][0]


def use_of(keyword: str, value: str) -> Use:
    """What becomes of ``keyword`` with this value; one that switches it off is harmless."""
    use = KEYWORDS[keyword][1]
    if keyword in _OFF_BY_VALUE and value.lower() in _OFF:
        return Use.HARMLESS
    return Use.HARMLESS if value.lower() in _USUAL.get(keyword, ()) else use
