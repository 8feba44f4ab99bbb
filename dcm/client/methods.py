"""What makes a method of a row of the table of requests: one way for each of the two clients."""

from collections.abc import Awaitable, Callable
from functools import update_wrapper
from typing import TYPE_CHECKING, Generic, ParamSpec, TypeVar

from dcm.client.calls.call import Call

if TYPE_CHECKING:
    from dcm.client.async_client import AsyncClient
    from dcm.client.client import Client

Answer = TypeVar("Answer")
P = ParamSpec("P")


class Method(Generic[P, Answer]):
    """A method of `Client` made of a row of the table."""

    def __init__(self, build: Callable[P, Call[Answer]]) -> None:
        self._build = build
        self.__doc__ = build.__doc__

    def __get__(self, client: "Client", owner: type) -> Callable[P, Answer]:
        def method(*args: P.args, **kwargs: P.kwargs) -> Answer:
            return client.send(self._build(*args, **kwargs))

        return update_wrapper(method, self._build)


class AsyncMethod(Generic[P, Answer]):
    """A method of `AsyncClient` made of a row of the table."""

    def __init__(self, build: Callable[P, Call[Answer]]) -> None:
        self._build = build
        self.__doc__ = build.__doc__

    def __get__(self, client: "AsyncClient", owner: type) -> Callable[P, Awaitable[Answer]]:
        def method(*args: P.args, **kwargs: P.kwargs) -> Awaitable[Answer]:
            return client.send(self._build(*args, **kwargs))

        return update_wrapper(method, self._build)
