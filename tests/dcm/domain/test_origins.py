"""Whose pages may call, and by which names."""

from dataclasses import replace

import pytest

from dcm.domain.origins import Asked, gate, hosts, origins


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


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "LOCALHOST", "127.0.0.2"])
@pytest.mark.parametrize(("name", "answered"), [("evil.example", False), ("localhost", True), ("dash.example", True)])
def test_whatever_we_listen_on_who_is_of_this_machine_calls_by_its_names(host: str, name: str, answered: bool) -> None:
    open_gate = gate(host, [3848], ["https://dash.example"])
    assert (open_gate.refusal(Asked(name), local=True) == "") == answered
    assert host.lower() in {"0.0.0.0", "::"} or open_gate.refusal(Asked(host), local=True) == ""


GATE = gate("127.0.0.1", [3848], ["https://dash.example"])


@pytest.mark.parametrize(
    "host",
    ["evil.example", "0.0.0.0", "localhost.", "a.localhost", "127.0.0.1.evil.example", "2130706433", "127.1", "",
     "x@localhost", "localhost,evil.example", "0:0:0:0:0:0:0:1"],
)  # fmt: skip
def test_a_name_that_is_not_ours_is_refused_whatever_it_leads_to(host: str) -> None:
    assert "call it as localhost" in GATE.refusal(Asked(host))
    assert GATE.refusal(Asked(host, origin="http://localhost:3848"))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "LOCALHOST"])
def test_a_program_says_nothing_but_the_host_and_is_let_in(host: str) -> None:
    assert GATE.refusal(Asked(host, "POST")) == ""


@pytest.mark.parametrize(
    "origin",
    ["", "null", "http://localhost:3000", "https://localhost:3848", "http://localhost.:3848", "http://a.localhost:3848",
     "http://127.0.0.1.evil.example:3848", "http://localhost:3848.evil.example", "http://0.0.0.0:3848", "file://",
     "chrome-extension://abc", "http://localhost:3848, http://localhost:3848"],
)  # fmt: skip
def test_a_page_of_another_origin_is_refused_even_where_the_browser_calls_it_the_same_site(origin: str) -> None:
    for site in (None, "same-origin", "same-site", "cross-site", "none"):
        assert origin in GATE.refusal(Asked("localhost", "POST", origin, site))


@pytest.mark.parametrize("origin", ["http://localhost:3848", "https://dash.example"])
@pytest.mark.parametrize("site", [None, "same-origin", "same-site", "cross-site"])
def test_a_page_that_may_call_is_let_in_from_wherever_it_is(origin: str, site: str | None) -> None:
    assert GATE.refusal(Asked("localhost", "POST", origin, site, "cors", "empty")) == ""


@pytest.mark.parametrize("site", ["same-site", "cross-site", "", "what comes next"])
@pytest.mark.parametrize("dest", ["image", "script", "iframe", "frame", "object", "embed", "style", "video", "empty"])
def test_what_a_page_elsewhere_embeds_is_refused(site: str, dest: str) -> None:
    for mode in ("no-cors", "navigate", "websocket"):
        asked = Asked("localhost", site=site, mode=mode, dest=dest)
        assert GATE.refusal(asked)
        assert GATE.refusal(asked, of_a_page=True)


def test_a_link_elsewhere_leads_to_a_page_and_not_to_data() -> None:
    asked = Asked("localhost", site="cross-site", mode="navigate", dest="document")
    assert GATE.refusal(asked, of_a_page=True) == ""
    assert GATE.refusal(asked)
    assert GATE.refusal(replace(asked, method="POST"), of_a_page=True)


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_what_the_person_types_and_our_own_pages_are_let_in(site: str) -> None:
    assert GATE.refusal(Asked("localhost", site=site, mode="navigate", dest="document")) == ""


def test_who_listens_beyond_this_machine_refuses_foreign_pages_all_the_same() -> None:
    beyond = gate("0.0.0.0", [3848], [])
    assert beyond.refusal(Asked("dcm.example"), local=False) == ""
    assert beyond.refusal(Asked("dcm.example", origin="https://evil.example"), local=False)
    assert beyond.refusal(Asked("dcm.example", site="cross-site", mode="no-cors", dest="image"), local=False)
