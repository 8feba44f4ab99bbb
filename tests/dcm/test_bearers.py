"""Who bears which token: how often the database is asked, for whom it is not, and how long its word holds."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable

import pytest

from dcm.bearers import BELIEVED_S, REMEMBERED_S, Bearers
from dcm.domain import access
from dcm.domain.access import FAILURES, Known
from dcm.domain.errors import TooMany

GOOD = access.make_token(access.TOKEN)
HERE, THERE = "192.0.2.1", "192.0.2.2"


class Database:
    """Knows one token, and can be away; counts who asks, at once and in all."""

    def __init__(self) -> None:
        hashed = access.digest(GOOD)
        self.tokens: dict[bytes, Known] = {hashed: Known(uuid.uuid4(), "laptop", ["read"], hashed, None)}
        self.away, self.asked, self.at_once, self.most_at_once = False, 0, 0, 0
        self.now = 1000.0
        self.bearers = Bearers(access.digest("the file"), self.look_up, (ConnectionError,), lambda: self.now)

    async def look_up(self, hashed: bytes) -> Known | None:
        self.asked += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        for _ in range(5):
            await asyncio.sleep(0)
        self.at_once -= 1
        if self.away:
            raise ConnectionError
        return self.tokens.get(hashed)

    async def who(self, token: str = GOOD, place: str = HERE) -> str:
        """The name of who shows a token, or why it has none."""
        try:
            known = await self.bearers.known(token, place)
        except TooMany:
            return "too many"
        except ConnectionError:
            return "away"
        return known.name if known else "unknown"


def played(scenario: Callable[[Database], Awaitable[None]]) -> None:
    async def play() -> None:
        await scenario(Database())

    asyncio.run(play())


def test_guesses_that_come_at_once_ask_the_database_no_more_often_than_an_address_may_fail() -> None:
    async def scenario(database: Database) -> None:
        told = await asyncio.gather(*(database.who(f"dcm_{number}") for number in range(2000)))
        assert (told.count("unknown"), told.count("too many")) == (FAILURES, 2000 - FAILURES)
        assert database.asked == database.most_at_once == FAILURES
        assert await database.who("dcm_x", THERE) == "unknown"

    played(scenario)


def test_a_good_token_is_asked_for_once_however_many_show_it_and_costs_no_failure() -> None:
    async def scenario(database: Database) -> None:
        assert await asyncio.gather(*(database.who() for _ in range(100))) == ["laptop"] * 100
        assert database.asked == 1
        for _ in range(5 * FAILURES):
            database.now += REMEMBERED_S
            assert await database.who() == "laptop"
        assert [await database.who(f"dcm_{number}") for number in range(FAILURES)] == ["unknown"] * FAILURES

    played(scenario)


def test_a_known_token_goes_on_where_somebody_else_guessed_too_often() -> None:
    async def scenario(database: Database) -> None:
        assert await database.who() == "laptop"
        while await database.who("dcm_guess") != "too many":
            pass
        database.now += REMEMBERED_S
        assert await database.who() == "laptop"

    played(scenario)


def test_what_has_no_token_shape_counts_as_a_failure_and_the_database_is_not_asked() -> None:
    async def scenario(database: Database) -> None:
        assert [await database.who("guess") for _ in range(FAILURES + 1)] == ["unknown"] * FAILURES + ["too many"]
        assert database.asked == 0
        assert database.bearers.owns("the file")
        assert not database.bearers.owns("guess")

    played(scenario)


def test_a_revoked_token_is_good_for_seconds_more_and_while_the_database_is_away_for_a_minute() -> None:
    async def scenario(database: Database) -> None:
        began = database.now
        assert await database.who() == "laptop"
        database.tokens.clear()
        database.away = True
        while database.now < began + BELIEVED_S - 1:
            assert await database.who() == "laptop"
            database.now += 1
        database.now = began + BELIEVED_S
        assert await database.who() == "away"
        database.away = False
        assert await database.who() == "unknown"

    played(scenario)


def test_while_the_database_is_away_no_try_counts_as_a_failure() -> None:
    async def scenario(database: Database) -> None:
        database.away = True
        assert [await database.who() for _ in range(3 * FAILURES)] == ["away"] * 3 * FAILURES
        database.away = False
        assert await database.who() == "laptop"

    played(scenario)


@pytest.mark.parametrize(("address", "told", "place"), [
    ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
    ("127.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),
    ("127.0.0.1", "2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
    ("127.0.0.1", "", "127.0.0.1"), ("127.0.0.1", "unknown", "127.0.0.1"),
])  # fmt: skip
def test_a_place_is_who_is_connected_or_whom_a_proxy_of_this_machine_speaks_for(
    address: str, told: str, place: str
) -> None:
    assert access.place(address, told) == place
