"""Which module of ours has which filters, tests and lookups: a template's are imported alone.

By module, the names in its table. A test holds this against the tables.
"""

from __future__ import annotations

FILTERS = {
    "certificates": (
        "community.crypto.parse_serial community.crypto.to_serial community.crypto.split_pem"
    ),
    "chance": "random shuffle",
    "choices": "bool ternary mandatory type_debug",
    "collating": (
        "ansible.utils.consolidate ansible.utils.fact_diff ansible.utils.param_list_compare"
    ),
    "comments": "comment",
    "community": (
        "community.general.json_query community.general.version_sort "
        "community.general.dict community.general.dict_kv community.general.counter "
        "community.general.groupby_as_dict community.general.from_csv"
    ),
    "configs": (
        "community.general.from_ini community.general.to_ini community.general.from_toml "
        "community.general.to_toml"
    ),
    "dictionaries": (
        "community.general.lists_union community.general.lists_intersect "
        "community.general.lists_difference community.general.lists_symmetric_difference "
        "community.general.lists_mergeby community.general.keep_keys "
        "community.general.remove_keys community.general.replace_keys"
    ),
    "durations": (
        "community.general.to_time_unit community.general.to_milliseconds "
        "community.general.to_seconds community.general.to_minutes "
        "community.general.to_hours community.general.to_days community.general.to_weeks "
        "community.general.to_months community.general.to_years"
    ),
    "encoding": "b64encode b64decode quote split urldecode urlsplit",
    "hardware": (
        "ansible.utils.hwaddr ansible.utils.macaddr ansible.utils.slaac "
        "ansible.netcommon.hwaddr ansible.netcommon.macaddr ansible.netcommon.slaac"
    ),
    "hashing": "hash md5 sha1 checksum to_uuid",
    "ipaddr": (
        "ansible.utils.ipaddr ansible.utils.ipv4 ansible.utils.ipv6 ansible.utils.ipwrap "
        "ansible.netcommon.ipaddr ansible.netcommon.ipv4 ansible.netcommon.ipv6 "
        "ansible.netcommon.ipwrap"
    ),
    "ipv6": "ansible.utils.ipcut ansible.utils.ipv6form",
    "json_text": "to_json to_nice_json from_json",
    "keys": "ansible.utils.keep_keys ansible.utils.remove_keys ansible.utils.replace_keys",
    "lists": "flatten zip zip_longest product permutations combinations extract",
    "mappings": "dict2items items2dict rekey_on_member subelements",
    "merging": "combine",
    "network": (
        "ansible.netcommon.vlan_parser ansible.netcommon.vlan_expander "
        "ansible.netcommon.hash_salt ansible.netcommon.type5_pw"
    ),
    "numbers": "log pow root human_readable human_to_bytes",
    "passwords": "password_hash",
    "paths": (
        "basename dirname expanduser expandvars normpath realpath splitext win_basename "
        "win_dirname win_splitdrive path_join relpath commonpath fileglob"
    ),
    "paths_in_data": "ansible.utils.get_path ansible.utils.to_paths ansible.utils.index_of",
    "regex": "regex_replace regex_search regex_findall regex_escape",
    "renamed": (
        "change changed directory exists failed failure file finished is_abs is_dir "
        "is_file is_link is_mount is_same_file issubset issuperset link link_exists mount "
        "reachable search skip skipped started subset succeeded success superset "
        "unreachable version version_compare match regex"
    ),
    "sets": "unique union intersect difference symmetric_difference",
    "subnets": (
        "ansible.utils.ipsubnet ansible.utils.nthhost ansible.utils.network_in_network "
        "ansible.utils.network_in_usable ansible.utils.next_nth_usable "
        "ansible.utils.previous_nth_usable ansible.utils.reduce_on_network "
        "ansible.utils.ipmath ansible.utils.cidr_merge ansible.utils.ip4_hex "
        "ansible.netcommon.ipsubnet ansible.netcommon.nthhost "
        "ansible.netcommon.network_in_network ansible.netcommon.network_in_usable "
        "ansible.netcommon.next_nth_usable ansible.netcommon.previous_nth_usable "
        "ansible.netcommon.reduce_on_network ansible.netcommon.ipmath "
        "ansible.netcommon.cidr_merge ansible.netcommon.ip4_hex "
        "ansible.utils.usable_range"
    ),
    "texts": (
        "community.general.crc32 community.general.unicode_normalize "
        "community.general.accumulate community.general.random_mac"
    ),
    "times": "to_datetime strftime",
    "vault": "vault unvault",
    "yaml_text": "to_yaml to_nice_yaml from_yaml from_yaml_all",
}

TESTS = {
    "addresses": (
        "ansible.utils.ip_address ansible.utils.ipv4_address ansible.utils.ipv6_address "
        "ansible.utils.ipv4_hostmask ansible.utils.ipv4_netmask "
        "ansible.utils.ipv6_ipv4_mapped ansible.utils.ipv6_sixtofour "
        "ansible.utils.ipv6_teredo ansible.utils.loopback ansible.utils.multicast "
        "ansible.utils.private ansible.utils.public ansible.utils.reserved "
        "ansible.utils.unspecified ansible.utils.ip ansible.utils.ipv4 ansible.utils.ipv6 "
        "ansible.utils.in_network ansible.utils.subnet_of ansible.utils.supernet_of "
        "ansible.utils.in_any_network ansible.utils.in_one_network ansible.utils.mac "
        "ansible.utils.resolvable"
    ),
    "files": (
        "exists link_exists directory is_dir file is_file link is_link abs is_abs mount "
        "is_mount same_file is_same_file vault_encrypted vaulted_file"
    ),
    "matching": "regex match search",
    "outcomes": (
        "failed failure success succeeded successful changed change skipped skip "
        "unreachable reachable timedout started finished"
    ),
    "values": (
        "truthy falsy subset issubset superset issuperset contains all any nan isnan uri url urn"
    ),
    "version": "version version_compare",
}

LOOKUPS = {
    "commands": "pipe lines",
    "datapaths": "ansible.utils.get_path ansible.utils.to_paths ansible.utils.index_of",
    "dig": "community.general.dig",
    "files": "file unvault fileglob template",
    "filetree": "community.general.filetree",
    "first_found": "first_found",
    "loops": (
        "items list dict indexed_items nested together subelements random_choice "
        "community.general.flattened community.general.cartesian"
    ),
    "password": "password",
    "sequence": "sequence",
    "settings": "config",
    "tables": "ini csvfile",
    "url": "url",
    "variables": "vars varnames env inventory_hostnames",
}
