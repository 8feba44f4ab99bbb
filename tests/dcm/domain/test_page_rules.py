"""What a browser is told to keep to."""

import pytest

from dcm.domain.page_rules import policy


def directives(host: str) -> dict[str, str]:
    return dict(part.strip().split(" ", 1) for part in policy(host, 3849).split(";"))


def test_a_page_runs_its_own_files_alone_and_speaks_to_its_own_server() -> None:
    assert directives("localhost") == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "connect-src": "'self' ws://localhost:3849 wss://localhost:3849",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "object-src": "'none'",
    }


@pytest.mark.parametrize("host", ["[::1]", "::1", "x; script-src *", "a b", "", "ä"])
def test_a_host_that_a_policy_cannot_name_adds_nothing_to_it(host: str) -> None:
    assert directives(host)["connect-src"] == "'self' ws://*:3849 wss://*:3849"
