"""Sending what transcripts tell, in bodies the API takes."""

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from dcm.cli.following import Told
from dcm.client import Client
from dcm.client.shapes.events import ContextUsed, MessageUsed
from dcm.domain.instants import as_instant
from dcm.domain.turns import Past
from dcm.domain.usage import ContextUse, MessageUse, together

MOST_PAYLOADS, MOST_BYTES = 1000, 900_000
"""What goes into one body; the API takes 1000 of each kind and 1 MiB."""

MANY_WAITING, FEW_WAITING = 5000, 1000
"""Events in the queue at which an import pauses, and goes on: live sessions share it."""


def send(client: Client, told: Told, counts: Counter[str]) -> None:
    """Send what the transcripts of a session tell, and count what became of it."""
    for batch in batches(told.payloads, counts):
        _send_batch(client, batch, counts)
    uses, contexts = together(told.uses), told.contexts
    while uses or contexts:
        client.report_usage([_use(use) for use in uses[:MOST_PAYLOADS]], contexts=[_context(c) for c in contexts])
        uses, contexts = uses[MOST_PAYLOADS:], []


def batches(told: Iterable[Past], counts: Counter[str]) -> Iterator[list[Past]]:
    """The events in bodies the API takes; what alone is too large is left out and counted."""
    batch: list[Past] = []
    size = 0
    for past in told:
        length = len(json.dumps(past))
        if length > MOST_BYTES:
            counts["too_large"] += 1
            continue
        if len(batch) == MOST_PAYLOADS or size + length > MOST_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(past)
        size += length + 2
    if batch:
        yield batch


def _send_batch(client: Client, batch: Sequence[Past], counts: Counter[str]) -> None:
    """Send a body, and wait while the queue is long."""
    answer = client.import_payloads([{"at": past["at"], "payload": past["payload"]} for past in batch])
    counts["accepted"] += answer["accepted"]
    counts["known"] += answer["known"]
    waiting = answer["waiting"]
    while waiting > (MANY_WAITING if waiting == answer["waiting"] else FEW_WAITING):
        time.sleep(0.2)
        waiting = client.get_intake()["waiting"]


def _use(use: MessageUse) -> MessageUsed:
    known: MessageUsed = {
        "message_id": use.message_id,
        "session_id": use.session_id,
        "agent_id": use.agent_id,
        "model": use.model,
        "at": as_instant(use.at),
        "input_tokens": use.tokens.input,
        "output_tokens": use.tokens.output,
        "cache_read_tokens": use.tokens.cache_read,
        "cache_creation_tokens": use.tokens.cache_creation,
        "cache_creation_1h_tokens": use.tokens.cache_creation_1h,
    }
    return {**known, "request_id": use.request_id} if use.request_id else known


def _context(context: ContextUse) -> ContextUsed:
    return {
        "session_id": context.session_id,
        "at": as_instant(context.at),
        "model": context.model,
        "tokens": context.tokens,
    }
