"""The address of a DCM on another machine, and when it must be encrypted."""

import pytest

from dcm.domain.errors import SettingsError
from dcm.domain.server_urls import is_near, is_own, needs_encryption, server_url


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://dcm.example.org", "https://dcm.example.org:443"),
        ("http://10.0.0.5:3847/", "http://10.0.0.5:3847"),
        ("https://[fd00::1]:3847/dcm/", "https://[fd00::1]:3847/dcm"),
        ("http://localhost", "http://localhost:80"),
    ],
)
def test_an_address_is_taken_apart_and_shown_whole(text: str, shown: str) -> None:
    assert str(server_url(text)) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dcm.example.org:3847",
        "ftp://x",
        "http://",
        "http://x:0",
        "http://x:99999",
        "https://me:pw@x",
        "https://x?a=1",
    ],
)
def test_what_is_no_address_of_a_server_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(SettingsError, match=r"is not the URL of a server: give one like https://"):
        server_url(text)


@pytest.mark.parametrize(
    ("address", "near"),
    [
        ("127.0.0.1", True),
        ("10.1.2.3", True),
        ("192.168.1.9", True),
        ("100.64.0.7", True),
        ("::1", True),
        ("fd12::1", True),
        ("fe80::1%eth0", True),
        ("::ffff:10.0.0.1", True),
        ("8.8.8.8", False),
        ("2606:4700::1111", False),
        ("::ffff:8.8.8.8", False),
        ("dcm.example.org", False),
    ],
)
def test_an_address_is_near_when_it_is_private_or_our_own(address: str, near: bool) -> None:
    assert is_near(address) is near


@pytest.mark.parametrize(
    ("url", "refused"),
    [
        ("http://8.8.8.8:3847", True),
        ("https://8.8.8.8:3847", False),
        ("http://10.0.0.1:3847", False),
        ("http://dcm.example.org", False),
    ],
)
def test_plain_http_to_a_number_of_the_open_network_needs_encryption(url: str, refused: bool) -> None:
    assert needs_encryption(server_url(url)) is refused


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("http://localhost:3847", True),
        ("http://LOCALHOST.:3847/dcm", True),
        ("http://127.0.0.1:3847", True),
        ("http://127.1.2.3:3847", True),
        ("http://[::1]:3847", True),
        ("http://[::ffff:127.0.0.1]:3847", True),
        ("http://0.0.0.0:3847", True),
        ("http://localhost:3850", False),
        ("http://10.0.0.5:3847", False),
        ("https://dcm.example.org:3847", False),
    ],
)
def test_a_port_on_a_name_of_this_machine_for_itself_is_its_own(text: str, own: bool) -> None:
    assert is_own(server_url(text), 3847) is own
