"""Call subscribers: each message of their topic is sent to the address they gave."""

import asyncio
import logging
import socket
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from urllib.parse import urlsplit, urlunsplit

import dramatiq
import httpx
import orjson
from dramatiq.middleware import CurrentMessage

from db import subscriptions
from db.subscriptions import Call
from dcm.broker import DEFAULT, enqueue
from dcm.domain.callbacks import reachable
from dcm.domain.instants import plain
from workers import running

logger = logging.getLogger("dcm.callbacks")
broker = running.broker()

TIMEOUT = 5.0
"""Seconds a subscriber has to answer, from the connection to the head of its answer."""

PAUSES_MS = (1_000, 5_000)
"""Milliseconds between the first try and the second, the second and the third."""


class CallFailed(dramatiq.errors.Retry):
    """The subscriber did not take the message; `delay` is in milliseconds."""


@dramatiq.actor(broker=broker, queue_name=DEFAULT, max_retries=3)
def call_subscribers(message_id: str) -> None:
    """Send a message to all who subscribed to its topic and gave an address."""
    with running.pool().connection() as conn:
        found = subscriptions.to_call(conn, uuid.UUID(message_id))
    for subscription_id in found:
        enqueue(broker, DEFAULT, "call_subscriber", str(subscription_id), message_id)


@dramatiq.actor(broker=broker, queue_name=DEFAULT, max_retries=len(PAUSES_MS))
def call_subscriber(subscription_id: str, message_id: str) -> None:
    """Call one subscriber; three times at most.

    Raises:
        CallFailed: it did not answer with a 2xx; it is tried again.
    """
    with running.pool().connection() as conn:
        call = subscriptions.call(conn, uuid.UUID(subscription_id), uuid.UUID(message_id))
    if call is None:
        return
    status, reason = deliver(call, private=running.settings().callback_private)
    with running.pool().connection() as conn:
        subscriptions.called(conn, call.subscription_id, status, good=not reason)
    if reason:
        logger.warning("a subscriber was not reached: %s", reason, extra={"subscription": subscription_id})
        raise CallFailed(reason, delay=PAUSES_MS[min(_tried(), len(PAUSES_MS) - 1)])


def _tried() -> int:
    """How often the call that runs was made before."""
    message = CurrentMessage.get_current_message()
    return int(message.options.get("retries", 0)) if message else 0


def deliver(call: Call, *, private: bool) -> tuple[int | None, str]:
    """Send a message to its subscriber; gives the HTTP status and what went wrong, nothing when it was taken."""
    address = _address(call.callback_url, private=private)
    if address is None:
        return None, f"{urlsplit(call.callback_url).hostname} leads to no address that may be called"
    message = {name: value for name, value in asdict(call).items() if name not in {"callback_url", "subscription_id"}}
    try:
        status = asyncio.run(_post(call, address, _body(message)))
    except TimeoutError:
        return None, f"it did not answer within {TIMEOUT:g} s"
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        return None, f"{type(error).__name__}: {error}"
    return status, "" if httpx.codes.is_success(status) else f"it answered {status}"


def _body(message: Mapping[str, object]) -> bytes:
    return orjson.dumps(message, default=plain, option=orjson.OPT_PASSTHROUGH_DATETIME)


async def _post(call: Call, address: str, body: bytes) -> int:
    """The status of the answer; its body is left unread, however long it is.

    It connects to the very address that was looked at, whatever the name means a moment later.

    Raises:
        TimeoutError: the head of the answer was not there in time, whether silent or dripping.
    """
    parts = urlsplit(call.callback_url)
    place = f"[{address}]" if ":" in address else address
    url = urlunsplit(parts._replace(netloc=f"{place}:{parts.port}" if parts.port else place))
    headers = {
        "Host": parts.netloc.rpartition("@")[2].encode("idna").decode(),
        "Content-Type": "application/json",
        "X-DCM-Topic": call.topic,
        "X-DCM-Delivery": f"{call.message_id}.{call.subscription_id}",
    }
    sni = {"sni_hostname": (parts.hostname or "").encode("idna").decode()}
    async with (
        asyncio.timeout(TIMEOUT),
        httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as client,
        client.stream("POST", url, content=body, headers=headers, extensions=sni) as answer,
    ):
        return answer.status_code


def _address(url: str, *, private: bool) -> str | None:
    """An address of the URL's host that may be called; None when the host has none, or one that may not be."""
    parts = urlsplit(url)
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return None
    addresses = [str(each[4][0]) for each in found]
    return addresses[0] if addresses and all(reachable(each, private=private) for each in addresses) else None
