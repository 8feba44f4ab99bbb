"""What a route takes and answers, said once beside it: checked at the door, and written into the API's document."""

import functools
import inspect
import re
import typing
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from falcon.asgi import Request, Response
from pydantic import BaseModel, TypeAdapter, ValidationError

from api.access import note
from api.bodies import TOO_DEEP, parse_json, read_body
from api.redaction import without_secrets
from api.speaking import Speaker, speaker
from dcm.domain import access
from dcm.domain.access import Needed
from dcm.domain.errors import InvalidInput

NOT_JSON = "json_invalid"
"""What pydantic calls a body that is no JSON."""

Work = Callable[..., Awaitable[Any]]
Responder = Callable[..., Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. `path` maps the names in the path to their types; `errors` are the statuses of refusals.

    `answer` None means an answer without a body, or one of another type than JSON: `media`.
    `scope` is the right it takes; `speaks`: it is done in the name of an agent, which must show its credential if it
    has one.
    """

    name: str
    summary: str
    details: str
    status: int
    answer: type[BaseModel] | None
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    path: Mapping[str, Any]
    errors: tuple[int, ...]
    others: Mapping[int, type[BaseModel]] = field(default_factory=dict)
    media: str = ""
    scope: Needed = "write"
    speaks: bool = False


def operation(
    *,
    answer: type[BaseModel] | None = None,
    status: int | None = None,
    errors: tuple[int, ...] = (),
    others: Mapping[int, type[BaseModel]] | None = None,
    scope: Needed | None = None,
) -> Callable[[Work], Responder]:
    """Make a falcon responder of a function that takes what it needs by name and gives what is answered.

    The function's annotations say it all: `body` and `query` are models, `caller` and `speaker` who sends it, every
    other parameter is a part of the path. It gives the answer's content, or (status, content) where it differs from
    `status`: 200, or 204 without an answer. `others` are answers with a body of their own. `scope` is the right it
    takes: `read` for a GET and `write` for the rest when it is left out.
    """

    def make(work: Work) -> Responder:
        described = _described(work, answer=answer, status=status, errors=errors, others=others or {}, scope=scope)
        kinds = typing.get_type_hints(work)
        path = {name: TypeAdapter(kind) for name, kind in described.path.items()}

        @functools.wraps(work)
        async def respond(self: object, req: Request, resp: Response, **parts: str) -> None:
            given = {name: _part(path[name], name, text) for name, text in parts.items()}
            given |= await _sent(described, req)
            note(req, session_id=_session_of(given))
            if "caller" in kinds:
                given["caller"] = req.context.caller
            if described.speaks:
                given["speaker"] = speaker(req)
            result = await work(self, **given)
            resp.status, content = result if isinstance(result, tuple) else (described.status, result)
            if content is not None:
                resp.media = content

        respond.operation = described  # type: ignore[attr-defined]
        return respond

    return make


async def _sent(described: Operation, req: Request) -> dict[str, Any]:
    """What the function takes of a request beside the parts of its path, by name."""
    given: dict[str, Any] = {}
    if described.query:
        given["query"] = read_query(req, described.query)
    if described.body:
        given["body"] = parse_body(await without_secrets(req, await read_body(req)), described.body)
    return given


def _session_of(given: Mapping[str, Any]) -> object:
    """The session that a request names in its path, its query or its body."""
    named = (getattr(given.get(part), "session_id", None) for part in ("query", "body"))
    return given.get("session_id") or next(filter(None, named), None)


def documented(
    *,
    body: type[BaseModel] | None = None,
    answer: type[BaseModel] | None = None,
    query: type[BaseModel] | None = None,
    status: int = 200,
    errors: tuple[int, ...] = (),
    others: Mapping[int, type[BaseModel]] | None = None,
    media: str = "",
    scope: Needed | None = None,
) -> Callable[[Responder], Responder]:
    """Describe a falcon responder that reads its request and writes its answer itself; `media` is no JSON's type."""

    def mark(responder: Responder) -> Responder:
        summary, _, details = inspect.cleandoc(responder.__doc__ or "").partition("\n")
        responder.operation = Operation(  # type: ignore[attr-defined]
            name=responder.__qualname__.replace(".on_", "."),
            summary=summary.rstrip("."),
            details=details.strip(),
            status=status,
            answer=answer,
            body=body,
            query=query,
            path={},
            errors=errors,
            others=others or {},
            media=media,
            scope=scope or _usual_scope(responder.__name__),
        )
        return responder

    return mark


def _described(
    work: Work,
    *,
    answer: type[BaseModel] | None,
    status: int | None,
    errors: tuple[int, ...],
    others: Mapping[int, type[BaseModel]],
    scope: Needed | None,
) -> Operation:
    kinds = typing.get_type_hints(work, include_extras=True)
    kinds.pop("return", None)
    speaks = kinds.pop("speaker", None) is Speaker
    kinds.pop("caller", None)
    body, query = kinds.pop("body", None), kinds.pop("query", None)
    summary, _, details = inspect.cleandoc(work.__doc__ or "").partition("\n")
    checked = (400,) if body or query or kinds else ()
    return Operation(
        name=work.__qualname__.replace(".on_", "."),
        summary=summary.rstrip("."),
        details=details.strip(),
        status=status or (200 if answer else 204),
        answer=answer,
        body=body,
        query=query,
        path=kinds,
        errors=tuple(sorted({*checked, *((413,) if body else ()), *errors})),
        others=others,
        scope=scope or _usual_scope(work.__name__),
        speaks=speaks,
    )


def _usual_scope(responder: str) -> Needed:
    return "read" if responder == "on_get" else "write"


@functools.cache
def scope_of(resource: Hashable, method: str) -> str:
    """The right that a method of a kind of resource takes; what is not described is read."""
    described = of(getattr(resource, f"on_{method.lower()}", None))
    return described.scope if described else access.READ


def of(responder: object) -> Operation | None:
    """The operation of a responder, None for one that was made without."""
    return getattr(responder, "operation", None)


Model = typing.TypeVar("Model", bound=BaseModel)


def parse_body(raw: bytes, model: type[Model]) -> Model:
    """The body as its model.

    Raises:
        InvalidInput: it is not JSON or nested too deep, or a field is wrong: `details` says which and how.
    """
    try:
        found = model.model_validate_json(raw, strict=True)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
        if faults[0]["type"] == NOT_JSON:
            if "recursion limit" in faults[0]["msg"]:
                raise InvalidInput(TOO_DEEP) from None
            raise InvalidInput(f"The body is not JSON ({faults[0]['msg']}): send one JSON object.") from None
        raise InvalidInput("Validation failed", _details(faults)) from None
    _refuse_unstorable(raw, found.model_dump())
    return found


def read_query(req: Request, model: type[Model]) -> Model:
    """The query as its model; an empty value counts as not given, what the model does not know is left alone.

    Raises:
        InvalidInput: a value is wrong: `details` says which and how.
    """
    given = {name: value for name in model.model_fields if (value := req.get_param(name))}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        details = _details(error.errors(include_url=False, include_context=False))
        raise InvalidInput("Invalid query parameters", details) from None


def _part(adapter: TypeAdapter[Any], name: str, text: str) -> Any:
    if "\0" in text:
        raise InvalidInput(f"Invalid {name} in the path", {name: ["holds a NUL character: no id has one"]})
    try:
        return adapter.validate_python(text)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
        raise InvalidInput(f"Invalid {name} in the path", {name: [_message(fault) for fault in faults]}) from None


def _details(faults: typing.Sequence[Any]) -> dict[str, list[str]]:
    """{field: messages}, a field inside another as `outer.inner`."""
    details: dict[str, list[str]] = {}
    for fault in faults:
        place = [str(part) for part in fault["loc"] if isinstance(part, int) or _FIELD.fullmatch(part)]
        messages = details.setdefault(".".join(place) or "body", [])
        if _message(fault) not in messages:
            messages.append(_message(fault))
    return details


_FIELD = re.compile(r"(?!(?:str|int|float|bool|list|dict)$)[A-Za-z_]\w*")
"""A part of a place that is a field's name, and not the kind of value that was tried there."""


def _refuse_unstorable(raw: bytes, value: object) -> None:
    """Refuse what strict JSON or the database does not take, wherever it stands in a free-form value."""
    if b"NaN" in raw or b"Infinity" in raw:
        parse_json(raw)
    if rb"\u0000" in raw and (place := _nul_in(value)):
        raise InvalidInput(
            "Validation failed", {place: ["holds a NUL character, which cannot be stored: leave it out"]}
        )


def _nul_in(value: object) -> str:
    """Where a NUL stands in a value, empty when there is none."""
    if isinstance(value, str):
        return "body" if "\0" in value else ""
    members: Iterable[tuple[object, object]] = ()
    if isinstance(value, Mapping):
        members = value.items()
    elif isinstance(value, list | tuple):
        members = enumerate(value)
    for name, inner in members:
        if isinstance(name, str) and "\0" in name:
            return "body"
        if place := _nul_in(inner):
            return str(name) if place == "body" else f"{name}.{place}"
    return ""


def _message(fault: Mapping[str, Any]) -> str:
    return str(fault["msg"]).removeprefix("Value error, ")
