"""Which names say that a secret follows: password, API_KEY, clientSecret, X-Auth-Token, but not max_tokens."""

import functools
import re

PASSWORD, SECRET, TOKEN, KEY, WEAK, NONE = "password", "secret", "token", "api-key", "key", ""

STEMS = (
    "pass", "pw", "secret", "token", "key", "auth", "cred", "psk", "jwt", "pat", "bearer", "connectionstring",
    "connection_string", "signature", "dsn", "otp", "kennwort",
)  # fmt: skip
"""A name that tells has one of these in it, in lower case."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

_PASSWORDS = frozenset(
    {"password", "passwd", "pwd", "passphrase", "passcode", "pass", "pword", "psk", "passwort", "kennwort", "pw"}
)
_TOKENS = frozenset({"jwt", "bearer", "pat", "otp"})
_KEYS = frozenset({"apikey", "authkey", "secretkey", "privatekey", "accesskey", "passkey", "appkey", "licensekey"})
_OF_KEYS = frozenset(
    """
    api access secret private auth encryption encrypt decryption signing sign master account shared service license
    licence admin client deploy storage session consumer security webhook integration functions root aes hmac jwt
    ssh gpg pgp crypt crypto cipher wrapping ingestion application app subscription authentication publisher
    """.split()  # noqa: SIM905 - a table of quoted words is no easier to read
)
_NOT_OF_KEYS = frozenset(
    """
    public publishable primary foreign sort partition cache hash object index row map dict group order routing range
    lookup unique idempotency dedup dedupe i18n translation locale message event shortcut hot arrow enter escape tab
    shift ctrl registry rsa known react node config json yaml storage s3 file path search anon turbo site
    websocket socket
    """.split()  # noqa: SIM905
)
_NOT_OF_TOKENS = frozenset(
    """
    page next continuation idempotency cancel cancellation sync cursor design syntax special pad eos bos unk mask cls
    sep stop start end max min num total per input output prompt completion cached count current first last prev
    previous string line close open punctuation operator identifier lexer parser csrf xsrf resume client
    """.split()  # noqa: SIM905
)
_LAST_OF_OTHERS = frozenset(
    """
    id ids name names count counts type types url uri urls path paths file files filename dir folder length len size
    limit min max expiry expires expire expiration expired ttl age at in on date time timeout seconds minutes hours
    days field fields column hash hashed hashes digest checksum header headers prefix suffix policy policies regex
    pattern validator validators validation reset hint label placeholder usage budget index idx mode enabled enable
    disabled required optional strength format kind endpoint version algorithm alg rounds input error errors message
    msg text title description help check checker status state valid validity form page view model provider store
    manager service callback event rate cost price number num total ref arn host port user username email domain
    source verified changed updated created rotation review tokens keys passwords secrets sessions owner scope scopes
    class parser generator factory interface props schema dto table list lists encoder reader writer method
    methods server realm issuer audience visible shown match matches cookie names authorized
    authenticated org organization project region env exists present set given read
    """.split()  # noqa: SIM905
)


@functools.lru_cache(8192)
def strength(name: str) -> str:
    """What a name says: PASSWORD, SECRET, TOKEN, KEY, WEAK where only what looks made by chance counts, or NONE."""
    words = [word.lower() for word in _WORD.findall(name.strip("-.$_"))]
    while words and words[-1].isdigit():
        words.pop()
    if not words or words[-1] in _LAST_OF_OTHERS:
        return NONE
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    joined = before + last
    if last in _PASSWORDS or joined in {"passphrase", "passcode", "password"}:
        return WEAK if words == ["old", "pwd"] else PASSWORD
    if last in _KEYS or joined in _KEYS or (last == "key" and before in _OF_KEYS):
        return NONE if "public" in words or "publishable" in words else KEY
    return _others(words, last, before)


def _others(words: list[str], last: str, before: str) -> str:  # noqa: PLR0911 - a table of words in their order
    if last in _TOKENS or last.endswith("token"):
        return NONE if before in _NOT_OF_TOKENS else TOKEN
    if last.endswith(("password", "passwd", "passphrase", "passwort", "kennwort", "passord")):
        return PASSWORD
    if last.endswith("secret") or ("secret" in words and last in {"base", "value", "string", "data", "access"}):
        return SECRET
    if last.endswith("apikey"):
        return KEY
    if last == "key" and before and before not in _NOT_OF_KEYS:
        return WEAK
    if last in {"auth", "authorization", "credential", "credentials", "creds", "cred", "signature", "dsn"}:
        return WEAK
    return KEY if "".join(words).endswith(("connectionstring", "sharedaccesskey", "accountkey")) else NONE
