"""Filters, tests and lookups that there are, that opsrun hasn't built in, and why not.

A plugin in plain Python beside the playbook, of the same name, takes their place.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple


class Elsewhere(NamedTuple):
    """Where a name belongs."""

    collection: str
    why: str
    """What it needs that opsrun doesn't bring along."""

    def told(self) -> str:
        """For behind an error's first half."""
        return f"; it is one of {self.collection}, not built in: {self.why}"


_OWN_TYPES = "it tells Ansible's own types of text apart, and opsrun has none"
_SERVICE = "it asks a service, with that service's client"
_PROGRAM = "it asks a password manager, through that manager's program"
_X509 = "use openssl on a host, or the lookup 'pipe'"

_ROWS: tuple[tuple[str, str, str, str], ...] = (
    ("filter", "community.general", "jc", "it needs the Python package jc"),
    (
        "filter",
        "community.general",
        "hashids_encode hashids_decode",
        "it needs the Python package hashids",
    ),
    (
        "filter",
        "community.general",
        "json_patch json_diff json_patch_recipe",
        "it needs the Python package jsonpatch",
    ),
    ("filter", "community.general", "to_prettytable", "it needs the Python package prettytable"),
    ("filter test", "community.general", "reveal_ansible_type ansible_type", _OWN_TYPES),
    ("filter", "community.general", "to_nice_toml", "use to_toml"),
    ("test", "community.general", "fqdn_valid", "it needs the Python package fqdn"),
    ("test", "community.general", "a_module", "a module that nobody knows is told at the start"),
    (
        "filter",
        "ansible.utils",
        "from_xml to_xml",
        "it needs the Python package xmltodict",
    ),
    (
        "filter test lookup",
        "ansible.utils",
        "validate",
        "it needs the Python package jsonschema",
    ),
    (
        "filter",
        "ansible.netcommon",
        "parse_cli parse_cli_textfsm parse_xml comp_type5 pop_ace",
        "it reads what network devices print, which opsrun doesn't reach",
    ),
    (
        "filter",
        "community.crypto",
        "gpg_fingerprint openssl_csr_info openssl_privatekey_info openssl_publickey_info "
        "x509_certificate_info x509_crl_info",
        _X509,
    ),
    ("lookup", "community.crypto", "gpg_fingerprint", _X509),
    (
        "filter",
        "community.dns",
        "get_public_suffix get_registrable_domain remove_public_suffix remove_registrable_domain "
        "quote_txt unquote_txt reverse_pointer",
        "it needs the list of public suffixes, or a server",
    ),
    ("lookup", "community.dns", "lookup lookup_as_dict lookup_rfc8427", "use the lookup 'dig'"),
    ("filter", "community.hashi_vault", "vault_login_token", _SERVICE),
    (
        "lookup",
        "community.hashi_vault",
        "hashi_vault vault_ansible_settings vault_kv1_get vault_kv2_get vault_list vault_login "
        "vault_read vault_token_create vault_write",
        _SERVICE,
    ),
    (
        "lookup",
        "amazon.aws",
        "aws_account_attribute aws_collection_constants aws_secret aws_service_ip_ranges aws_ssm "
        "secretsmanager_secret ssm_parameter",
        _SERVICE,
    ),
    ("lookup", "azure.azcollection", "azure_keyvault_secret", _SERVICE),
    ("lookup", "google.cloud", "gcp_secret_manager", _SERVICE),
    ("lookup", "awx.awx", "controller_api schedule_rrule schedule_rruleset", _SERVICE),
    ("lookup", "community.rabbitmq", "rabbitmq", _SERVICE),
    ("lookup", "community.sops", "sops", "it asks the program sops; so can the lookup 'pipe'"),
    ("filter", "community.sops", "decrypt", "it asks the program sops; so can the lookup 'pipe'"),
    ("lookup", "kubernetes.core", "k8s kustomize", _SERVICE),
    ("filter", "kubernetes.core", "k8s_config_resource_name", "it hashes as kubectl does"),
    (
        "lookup",
        "community.general",
        "chef_databag consul_kv credstash cyberarkpassword dsv etcd etcd3 github_app_access_token "
        "hiera lmdb_kv manifold redis revbitspss tss",
        _SERVICE,
    ),
    (
        "lookup",
        "community.general",
        "bitwarden bitwarden_secrets_manager keyring lastpass onepassword onepassword_doc "
        "onepassword_raw onepassword_ssh_key passwordstore proton_pass",
        f"{_PROGRAM}; so can the lookup 'pipe'",
    ),
    (
        "lookup",
        "community.general",
        "random_pet random_words",
        "it needs a Python package with words; the lookup 'password' makes passwords",
    ),
    ("lookup", "community.general", "random_string", "the lookup 'password' makes random texts"),
    ("lookup", "community.general", "binary_file", "the module slurp reads files as Base64"),
    ("lookup", "community.general", "dnstxt", "use the lookup 'dig' with qtype=TXT"),
    ("lookup", "community.general", "shelvefile", "it reads what Python's shelve has written"),
    (
        "lookup",
        "community.general",
        "collection_version",
        "collections are files to opsrun, and it doesn't ask for their versions",
    ),
    (
        "lookup",
        "community.general",
        "dependent",
        "it reads texts as templates, which opsrun doesn't do with data; loop over an include",
    ),
    (
        "lookup",
        "community.general",
        "merge_variables",
        "use q('varnames', …) | map('extract', vars) | combine",
    ),
)


@cache
def _table() -> dict[tuple[str, str], Elsewhere]:
    found: dict[tuple[str, str], Elsewhere] = {}
    for kinds, collection, names, why in _ROWS:
        for kind in kinds.split():
            for name in names.split():
                found[kind, f"{collection}.{name}"] = Elsewhere(collection, why)
                found.setdefault((kind, name), Elsewhere(collection, why))
    return found


def elsewhere(kind: str, name: str) -> Elsewhere | None:
    """What is known of a ``filter``, ``test`` or ``lookup`` that opsrun doesn't have."""
    return _table().get((kind, name))


def known(kind: str) -> frozenset[str]:
    """The short names of those of a kind."""
    return frozenset(name for each, name in _table() if each == kind and "." not in name)
