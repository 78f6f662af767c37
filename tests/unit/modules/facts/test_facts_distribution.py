"""Distributions, from files as they ship them."""

from __future__ import annotations

import pytest

from opsrun.modules.facts.distribution import distribution, fields_of, lsb

DEBIAN = 'ID=debian\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n'
UBUNTU = 'ID=ubuntu\nID_LIKE=debian\nVERSION_ID="22.04"\nVERSION_CODENAME=jammy\n'
ROCKY = 'ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.3"\n'
STREAM = 'ID="centos"\nNAME="CentOS Stream"\nVERSION_ID="9"\n'
RHEL = 'ID="rhel"\nVERSION_ID="8.9"\n'
FEDORA = "ID=fedora\nVERSION_ID=40\n"
ALPINE = "ID=alpine\nVERSION_ID=3.19.1\n"
SUSE = 'ID="opensuse-leap"\nID_LIKE="suse opensuse"\nVERSION_ID="15.5"\n'
ARCH = "ID=arch\nNAME='Arch Linux'\n"
MINT = "ID=linuxmint\nID_LIKE='ubuntu debian'\nVERSION_ID=21.2\nVERSION_CODENAME=victoria\n"
AMAZON = 'ID="amzn"\nVERSION_ID="2023"\n'
OTHER = 'ID=strange\nNAME="Strange Linux"\nID_LIKE=debian\nVERSION_ID=1.2\n'


@pytest.mark.parametrize(
    ("release", "more", "expected"),
    [
        (DEBIAN, {"debian_version": "12.11\n"}, ("Debian", "12.11", "12", "bookworm", "Debian")),
        (DEBIAN, {"debian_version": "trixie/sid"}, ("Debian", "12", "12", "bookworm", "Debian")),
        (UBUNTU, {}, ("Ubuntu", "22.04", "22", "jammy", "Debian")),
        (
            ROCKY,
            {"redhat-release": "Rocky Linux release 9.3 (Blue Onyx)\n"},
            ("Rocky", "9.3", "9", "Blue Onyx", "RedHat"),
        ),
        (
            STREAM,
            {"redhat-release": "CentOS Stream release 9\n"},
            ("CentOS", "9", "9", "Stream", "RedHat"),
        ),
        (
            RHEL,
            {"redhat-release": "Red Hat Enterprise Linux release 8.9 (Ootpa)\n"},
            ("RedHat", "8.9", "8", "Ootpa", "RedHat"),
        ),
        (FEDORA, {}, ("Fedora", "40", "40", "NA", "RedHat")),
        (ALPINE, {"alpine-release": "3.19.1\n"}, ("Alpine", "3.19.1", "3", "NA", "Alpine")),
        (SUSE, {}, ("openSUSE Leap", "15.5", "15", "NA", "Suse")),
        (ARCH, {"arch-release": ""}, ("Archlinux", "NA", "NA", "NA", "Archlinux")),
        (MINT, {}, ("Linux Mint", "21.2", "21", "victoria", "Debian")),
        (AMAZON, {}, ("Amazon", "2023", "2023", "NA", "RedHat")),
        (OTHER, {}, ("Strange Linux", "1.2", "1", "NA", "Debian")),
        ("", {}, ("Linux", "NA", "NA", "NA", "Linux")),
    ],
)
def test_a_distribution(
    release: str, more: dict[str, str], expected: tuple[str, str, str, str, str]
) -> None:
    found = distribution({"os-release": release, **more} if release else more)
    assert (
        found["distribution"],
        found["distribution_version"],
        found["distribution_major_version"],
        found["distribution_release"],
        found["os_family"],
    ) == expected


def test_values_in_quotes_and_broken_lines() -> None:
    text = "A='b c'\n# B=1\nC=\"it's \\\"\"\nD='open\nnothing\nE=\n"
    assert fields_of(text) == {"A": "b c", "C": "it's \"", "D": "open", "E": ""}


def test_lsb_says_the_same() -> None:
    texts = {"os-release": DEBIAN + 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'}
    told = lsb(distribution(texts), texts)
    assert (told["id"], told["codename"], told["major_release"]) == ("Debian", "bookworm", "12")
