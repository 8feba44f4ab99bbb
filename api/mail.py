"""What a hook tells an agent: the letters of its mailboxes that it has not read elsewhere."""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from api.ingest import Door
from db import messages
from db.pool import AWAY, Pool
from dcm.broker import DEFAULT
from dcm.domain.mail import Letter, at_once, joined, opened, sealed

logger = logging.getLogger("dcm.api")

READ_PATIENCE = 0.2
"""Seconds for which a hook waits to know what was read: told twice is better than not at all."""


class Mail:
    """Delivers the letters of mailboxes."""

    def __init__(self, pool: Pool, door: Door, threads: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._door = door
        self._threads = threads

    async def told(self, mail: Mapping[str, bytes], reader: str, shown: Sequence[bytes]) -> str:
        """The letters that are told now, as one text; the messages in it count as read.

        `mail`: what lay in which mailbox; what has no room goes back there. `shown`: hashes of the credentials that
        the hook showed.
        """
        now = time.time()
        boxes = {letter: mailbox for mailbox, held in mail.items() for letter in opened(held, now)}
        letters, waiting = at_once(await self._unread(list(boxes), reader, shown))
        for mailbox in mail:
            if left := [letter for letter in waiting if boxes[letter] == mailbox]:
                await self._door.put_back(mailbox, b"".join(map(sealed, left)))
        if told := [letter.message_id for letter in letters if letter.message_id]:
            self._door.ask(DEFAULT, "mark_delivered", told, reader)
        return joined(letters)

    async def _unread(self, letters: Sequence[Letter], reader: str, shown: Sequence[bytes]) -> list[Letter]:
        """Those that are of no message that the reader has read in a brief or by asking for it, or may not hear."""
        named = [letter.message_id for letter in letters if letter.message_id]
        known: set[str] = set()
        if named:
            try:
                async with asyncio.timeout(READ_PATIENCE):
                    known = await asyncio.get_running_loop().run_in_executor(
                        self._threads, self._not_for, named, reader, shown
                    )
            except (TimeoutError, *AWAY) as error:
                logger.warning("messages may be told twice: the database did not answer: %s", error)
        return [letter for letter in letters if letter.message_id not in known]

    def _not_for(self, message_ids: Sequence[str], reader: str, shown: Sequence[bytes]) -> set[str]:
        with self._pool.connection() as conn:
            return messages.not_for(conn, message_ids, reader, shown)
