"""GET /api/export: everything of a project, a session or all, as JSON Lines; POST /api/import/export: the way back."""

import asyncio
import functools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from falcon.asgi import Request, Response
from pydantic import JsonValue

from api.bodies import parse_json, read_body
from api.database import Database
from api.fields import Answer, Body, Name, Query
from api.operations import documented, read_query
from api.redaction import beside
from api.routes.imports import asked_valkey
from api.running_exports import Places, Running
from db import audit, exports, import_rows
from db.pool import Conn
from dcm import accepted, redaction
from dcm.domain import exports as rules
from dcm.domain.access import Caller
from dcm.domain.errors import InvalidInput, NotFound
from dcm.settings import Settings

JSON_LINES = "application/x-ndjson"

SETTLE_SECONDS = 5.0
"""How long an export waits for what was accepted before it."""

MOST_ROWS, LARGEST_BODY = 1000, 16 * 1024 * 1024
"""Lines of one body and its bytes: a single line may have megabytes."""


class ExportQuery(Query):
    """Whose rows are asked for: everybody's when neither is given."""

    project: Name | None = None
    session: Name | None = None


class ExportedRows(Body):
    """At most 1000 lines of an export between its header and its totals, in their order."""

    rows: list[dict[str, JsonValue]]


class RefusedRow(Answer):
    """A line that cannot be stored: its place in the body, and why."""

    row: int
    reason: str


class ImportedRows(Answer):
    """How many lines are new, how many were known, which are refused, and {id: its id here} of known projects."""

    stored: int
    known: int
    refused: list[RefusedRow]
    projects: dict[str, str]


class Export:
    """All rows as JSON Lines."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings, self._database, self._places = settings, database, Places()

    @documented(query=ExportQuery, errors=(400, 404, 503), media=JSON_LINES)
    async def on_get(self, req: Request, resp: Response) -> None:
        """Export a project by its path, a session, or all: one JSON object a line, without secrets.

        The first line says what it is, the last one how many of each kind there are: without it the file is cut off.
        Two run at once, others are told when to come again. One that is not read for a minute ends.
        """
        query = read_query(req, ExportQuery)
        if query.project and query.session:
            raise InvalidInput("Invalid query parameters", {"session": ["give a project or a session, not both"]})
        of = [("project", query.project)] if query.project else [("session", query.session)] if query.session else []
        if not await self._database.probe(lambda conn: exports.is_known(conn, query.project, query.session)):
            raise NotFound(f"There is no {' '.join(*of)} here.")
        ended = self._places.take()
        try:
            caller, subject = req.context.caller, " ".join(*of) if of else "all"
            await self._database.write(lambda conn: audit.record(conn, caller, "export.made", subject))
            waiting = await asyncio.to_thread(_settled, self._settings)
            running = await Running.start([str(waiting), *(str(part) for pair in of for part in pair)], ended)
            await running.begin()
        except BaseException:
            ended()
            raise
        resp.content_type = JSON_LINES
        resp.stream = running


def _settled(settings: Settings) -> int:
    """How many accepted events wait, when not all that were accepted before now could be awaited; else 0."""
    with asked_valkey(settings) as client:
        return accepted.settle(client, settings, SETTLE_SECONDS)


class ImportOfExport:
    """Takes the lines of an export."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings, self._database = settings, database

    @documented(body=ExportedRows, answer=ImportedRows, errors=(400, 413, 503), scope="admin")
    async def on_post(self, req: Request, resp: Response) -> None:
        """Store lines of an export, all in one transaction; what is known stays as it is.

        A line that cannot be stored is refused by itself, and the others are stored. Times are from 2020 to now, and
        those of one body from 24 months at most. Briefs are shown, and never given to a conversation.
        """
        raw, now = await read_body(req, LARGEST_BODY), datetime.now(UTC)
        rows = _rows(parse_json(raw))
        faults = {number: reason for number, row in enumerate(rows) if (reason := rules.fault(row, now))}
        months = len(rules.months(row for number, row in enumerate(rows) if number not in faults))
        if months > rules.MOST_MONTHS:
            raise InvalidInput("Validation failed", {"rows": [f"of {months} months: {rules.MOST_MONTHS} are taken"]})
        clean = await beside(raw, lambda: self._redacted(rows, faults))
        done = await self._store(clean, req.context.caller)
        refused = sorted([*faults.items(), *done.refused.items()])
        resp.media = {
            "stored": done.stored,
            "known": len(clean) - done.stored - len(done.refused),
            "refused": [{"row": number, "reason": reason} for number, reason in refused],
            "projects": {str(old): str(new) for old, new in done.projects.items()},
        }

    def _redacted(self, rows: Sequence[rules.Row], faults: Mapping[int, str]) -> dict[int, rules.Row]:
        redactor = redaction.redactor(self._settings)
        return {number: rules.redacted(row, redactor) for number, row in enumerate(rows) if number not in faults}

    async def _store(self, rows: Mapping[int, rules.Row], caller: Caller) -> import_rows.Done:
        """Store all together, or one by one where the database refuses."""
        await self._database.probe(lambda conn: import_rows.make_months(conn, list(rows.values())))

        def store(conn: Conn, some: Mapping[int, rules.Row]) -> import_rows.Done:
            stored = import_rows.store(conn, some)
            if stored.stored:
                audit.record(conn, caller, "export.imported", "rows", count=stored.stored)
            return stored

        try:
            return await self._database.write(lambda conn: store(conn, rows))
        except import_rows.REFUSED:
            done = import_rows.Done()
        for number, row in rows.items():
            try:
                done += await self._database.write(functools.partial(store, some={number: row}))
            except import_rows.REFUSED as error:
                done.refused[number] = str(error).splitlines()[0]
        return done


def _rows(body: object) -> Sequence[dict[str, Any]]:
    rows = body.get("rows") if isinstance(body, Mapping) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidInput("Validation failed", {"rows": ["give a list of objects, each a line of an export"]})
    if len(rows) > MOST_ROWS:
        raise InvalidInput("Validation failed", {"rows": [f"{len(rows)} given: {MOST_ROWS} are taken at most"]})
    return rows
