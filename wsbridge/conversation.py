"""What a client says, and what it is answered (contract, sections 10.3, 10.4 and 10.6)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from dcm.domain import tokens
from dcm.domain.tokens import Identity
from wsbridge.claims import Claims
from wsbridge.client import Client, Missed
from wsbridge.hub import GLOBAL, MOST_CHANNELS, Hub, now_ms
from wsbridge.protocol import (
    AGENT_CHANNEL,
    BAD_FRAME,
    BAD_TOKEN,
    CHANNEL,
    NOBODY,
    PUBLISHABLE,
    SESSION_CHANNEL,
    SHOWN,
    TOKEN_NEEDED,
    Ack,
    BadFrame,
    Beat,
    Error,
    Frame,
    Request,
    Told,
    read,
    write,
)

CLAIMING = frozenset({"auth", "subscribe", "publish"})
"""Frames that may name an agent somebody wants to be, to hear, or to speak as."""

SPEAKERS = frozenset({"from", "from_agent", "from_agent_id", "agent_id"})
"""Fields of what is published that say whose word it is."""


class Conversation:
    """One client's side of the protocol: it answers frames, and says which of the past they ask for."""

    def __init__(
        self,
        hub: Hub,
        client: Client,
        secret: bytes,
        *,
        production: bool,
        claims: Claims,
    ) -> None:
        self._claims = claims
        self._hub = hub
        self._client = client
        self._secret = secret
        self._production = production
        self._answers: dict[str, Callable[[Request], Frame | None]] = {
            "ping": lambda _: Beat("pong", now_ms()),
            "pong": lambda _: None,
            "ack": self._acknowledge,
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "publish": self._publish,
            "auth": self._authenticate,
        }

    def welcome(self, token: str, agent_id: str, session_id: str) -> Frame | None:
        """Take what the address says, and give what is wrong with it.

        A token proves who it is; in development a name is believed.
        """
        self._client.session_id = session_id
        if agent_id and not self._production:
            if self._claims.allow(agent_id, self._client.shown):
                self._client.agent_id = agent_id
            elif not token:
                return self._not_proved(agent_id, None)
        if not token:
            return None
        identity = self._identity(Request("auth", token=token))
        if isinstance(identity, Error):
            return identity
        self._enter(identity)
        return None

    async def answer(self, text: str | bytes) -> tuple[Frame | None, Missed | None]:
        """What is answered to a frame, and what of the past it asks for."""
        try:
            request = read(text)
        except BadFrame as error:
            return Error(str(error), BAD_FRAME, now_ms(), error.id), None
        if request.type in CLAIMING:
            await self._claims.fresh()
        answering = self._answers.get(request.type)
        if answering is None:
            unknown = f"Unknown message type: {request.type[:SHOWN]}"
            return Error(unknown, "UNKNOWN_MESSAGE_TYPE", now_ms(), request.id), None
        answer = answering(request)
        return answer, self._missed(request, refused=isinstance(answer, Error))

    def _missed(self, request: Request, *, refused: bool) -> Missed | None:
        """A subscription asks for the past of its channels, an auth for that of all the client is on."""
        asked = {"subscribe": set(_channels(request)), "auth": self._client.channels}.get(request.type, set())
        channels = frozenset(asked & self._client.channels)
        if request.last_event_id is None or refused or not channels:
            return None
        return Missed(request.last_event_id, channels)

    def leave(self) -> None:
        """Tell the others that an agent has gone."""
        if self._client.agent_id:
            self._announce("agent.disconnected")

    def _acknowledge(self, request: Request) -> None:
        self._client.deliveries.acknowledged(request.message_id)

    def _subscribe(self, request: Request) -> Frame | None:
        """All channels, or none when one is refused."""
        channels = _channels(request)
        wrong = next((wrong for channel in channels if (wrong := self._wrong_with(channel))), None)
        if not wrong and not self._hub.has_room(self._client, channels):
            wrong = f"A client is on at most {MOST_CHANNELS} channels: unsubscribe from one first."
        for channel in () if wrong else channels:
            self._hub.subscribe(self._client, channel)
        return _ack(request, wrong)

    def _wrong_with(self, channel: str) -> str | None:
        if not CHANNEL.match(channel):
            return f"Invalid channel format: {channel[:SHOWN]}"
        its_agent = channel.removeprefix(AGENT_CHANNEL)
        if channel.startswith(AGENT_CHANNEL) and not self._client.authenticated and its_agent != self._client.agent_id:
            return f"Not authorized for {channel}: authenticate first, or subscribe as that agent."
        if channel.startswith(AGENT_CHANNEL) and not self._may_be(its_agent):
            return f"{channel} is that agent's alone."
        return None

    def _may_be(self, agent: str) -> bool:
        """Whether the client may hear and speak as an agent; who was it before it had a credential may be no more."""
        signed_at = self._client.signed_at if agent == self._client.agent_id else None
        return self._claims.allow(agent, self._client.shown, signed_at)

    def _unsubscribe(self, request: Request) -> Frame | None:
        for channel in _channels(request):
            self._hub.unsubscribe(self._client, channel)
        return _ack(request, None)

    def _publish(self, request: Request) -> Frame | None:
        wrong = None if CHANNEL.match(request.channel) else f"Invalid channel format: {request.channel[:SHOWN]}"
        if request.event not in PUBLISHABLE:
            wrong = f"Invalid event type: {request.event[:SHOWN]}"
        elif self._production and not self._client.authenticated:
            wrong = "Authenticate before publishing."
        elif not wrong:
            wrong = self._in_whose_name(request)
        if not wrong:
            name = self._hub.next_id(None)
            self._hub.tell_channel(Told(name, request.channel, request.event, request.data, now_ms()))
        return _ack(request, wrong)

    def _in_whose_name(self, request: Request) -> str | None:
        """What is wrong with speaking on an agent's channel, or as one, that must prove who it is."""
        named = list(_speakers(request.data))
        if request.channel.startswith(AGENT_CHANNEL):
            named.append(request.channel.removeprefix(AGENT_CHANNEL))
        for agent in named:
            if not self._may_be(agent):
                return f"{agent[:SHOWN]} must prove who it is: authenticate as it before publishing in its name."
        return None

    def _authenticate(self, request: Request) -> Frame | None:
        identity = self._identity(request)
        if isinstance(identity, Error):
            return identity
        self._client.send(write(Ack(request.id, success=True, timestamp=now_ms())))
        self._enter(identity)
        return None

    def _identity(self, request: Request) -> Identity | Error:
        """Who a client says it is, and proved to be where that is asked for."""
        claimed = self._claimed(request)
        if isinstance(claimed, Error) or self._claims.allow(claimed.agent_id, self._client.shown, claimed.signed_at):
            return claimed
        return self._not_proved(claimed.agent_id, request.id)

    def _claimed(self, request: Request) -> Identity | Error:
        client = self._client
        if request.token:
            known = tokens.verified(self._secret, request.token, now_ms())
            if known is None:
                return Error("The token is not good, or its time is over.", BAD_TOKEN, now_ms(), request.id)
            return replace(known, session_id=known.session_id or request.session_id or client.session_id or None)
        if self._production:
            return Error("A token is required: POST /api/auth/token gives one.", TOKEN_NEEDED, now_ms(), request.id)
        agent_id = request.agent_id or client.agent_id
        if not agent_id:
            return Error("Neither token nor agent_id was given.", NOBODY, now_ms(), request.id)
        return Identity(agent_id, request.session_id or client.session_id or None)

    def _not_proved(self, agent_id: str, request_id: object) -> Error:
        told = f"{agent_id[:SHOWN]} must prove who it is: get a token with its credential from POST /api/auth/token."
        return Error(told, BAD_TOKEN, now_ms(), request_id)

    def _enter(self, identity: Identity) -> None:
        """Be that agent: on its channels, and on those it had when it was here before, if it still may be."""
        client = self._client
        if client.authenticated and client.agent_id != identity.agent_id:
            self._announce("agent.disconnected")
        before = self._hub.remembered(identity.agent_id)
        client.agent_id, client.session_id, client.authenticated = identity.agent_id, identity.session_id or "", True
        client.signed_at = identity.signed_at
        own = {f"{AGENT_CHANNEL}{client.agent_id}"}
        if client.session_id:
            own.add(f"{SESSION_CHANNEL}{client.session_id}")
        for channel in (*own, *(each for each in before if not self._wrong_with(each))):
            self._hub.subscribe(client, channel)
        self._announce("agent.connected")

    def _announce(self, event: str) -> None:
        client = self._client
        data = {"agent_id": client.agent_id, "client_id": client.id, "session_id": client.session_id or None}
        self._hub.tell(Told(self._hub.next_id(None), GLOBAL, event, data, now_ms()))


def _ack(request: Request, wrong: str | None) -> Frame | None:
    return Ack(request.id, not wrong, now_ms(), wrong) if request.id is not None else None


def _channels(request: Request) -> tuple[str, ...]:
    """The channels a frame names."""
    return (request.channel,) if request.channels is None else request.channels


def _speakers(data: object) -> Iterator[str]:
    """In whose name something is said: all texts in the fields that say so, however deep they lie."""
    left = [(data, False)]
    while left:
        value, is_named = left.pop()
        if isinstance(value, str) and is_named:
            yield value
        elif isinstance(value, list):
            left.extend((each, is_named) for each in value)
        elif isinstance(value, Mapping):
            left.extend((each, is_named or name in SPEAKERS) for name, each in value.items())
