"""Whose pages may call, and by which names."""

import pytest

from dcm.domain.origins import hosts, origins


def test_our_ports_on_every_name_of_this_machine_may_call() -> None:
    assert origins("127.0.0.1", [1, 2], []) == {
        f"http://{name}:{port}" for name in ("localhost", "127.0.0.1", "[::1]") for port in (1, 2)
    }


def test_the_host_we_listen_on_and_what_is_allowed_besides_may_call() -> None:
    found = origins("10.0.0.7", [1], ["https://dash.example"])
    assert {"http://10.0.0.7:1", "https://dash.example", "http://localhost:1"} <= found


@pytest.mark.parametrize("host", ["fd00::1", "[fd00::1]"])
def test_an_ipv6_address_stands_in_brackets_as_a_browser_says_it(host: str) -> None:
    assert "http://[fd00::1]:1" in origins(host, [1], [])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]"])
def test_who_listens_on_this_machine_alone_is_called_by_its_names(host: str) -> None:
    assert hosts(host) == {"localhost", "127.0.0.1", "::1"}


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.7", "dcm.example"])
def test_who_listens_beyond_this_machine_may_be_called_by_any_name(host: str) -> None:
    assert hosts(host) is None
