"""Secrets that their place gives away: headers, cookies, addresses, flags of known programs, SQL, settings files."""

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Set
from typing import NamedTuple

from dcm.domain.placeholders import is_code, is_identity, is_path, is_placeholder, is_random
from dcm.domain.secret_shapes import ESCAPE, Found

_EDGE = rf"(?:\b|{ESCAPE})"
_VALUE = r"""(?:"([^"\n]{1,256})"|'([^'\n]{1,256})'|([^\s"'|;&<>\\]{1,256}))"""


class Place(NamedTuple):
    """Where a secret of a kind stands: in a text that has the sign and one of the literals in it, in lower case.

    `tells`: whether the pattern's group is a secret. Most texts lack the sign, and are searched for nothing else.
    """

    kind: str
    sign: str
    literals: tuple[str, ...]
    pattern: re.Pattern[str]
    tells: Callable[[str], bool]


def _place(kind: str, sign: str, literals: str, pattern: str, tells: Callable[[str], bool]) -> Place:
    return Place(kind, sign, tuple(literals.split(",")), re.compile(pattern), tells)


def _typed(value: str) -> bool:
    """What somebody gives a program as a password."""
    return not is_placeholder(value) and not is_path(value) and not value.startswith(("-", "$", "@"))


def _chance(value: str) -> bool:
    return is_random(value, 8) and not is_placeholder(value)


def _long_chance(value: str) -> bool:
    return is_random(value, 16) and not is_placeholder(value) and not is_path(value)


def _of_basic(value: str) -> bool:
    """Base64 of user:password."""
    if is_placeholder(value):
        return False
    try:
        decoded = base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except (binascii.Error, ValueError):
        return is_random(value, 12)
    return b":" in decoded or is_random(value, 12)


_PROGRAM = r"(?:^|[\s;&|(\"'`/$])"


PLACES = (
    _place("bearer", "", "bearer", _EDGE + r"(?i:bearer)[ \t]+[\"']?([A-Za-z0-9+/_.~=-]{8,4096})", _chance),
    _place("basic-auth", "", "basic", _EDGE + r"(?i:basic)[ \t]+([A-Za-z0-9+/_-]{8,1024}={0,2})(?![\w.])", _of_basic),
    _place("token", "auth", "authorization", r"(?i:authorization\\?[\"']?[ \t]{0,3}[:=,][ \t]{0,3}\\?[\"']?)(?:[A-Za-z0-9-]{2,20}[ \t]+)?"
           r"([^\s\"',;\\]{8,4096})", _chance),
    _place("password", " -", "mysql,mariadb", _PROGRAM + r"(?:mysql|mariadb)[\w-]{0,12}\b[^\n|;]{0,200}?[ \t]-p" + _VALUE + r"(?=[\s|;&\"'\\]|$)",
           _typed),
    _place("password", "pass", "sshpass", r"sshpass\s+-p[ \t]*" + _VALUE, _typed),
    _place("password", " -", "login,registry", r"\b(?:login|registry)\b[^\n|;]{0,200}?\s(?:-p|-P|--password)[ =]?" + _VALUE, _typed),
    _place("password", " -", "redis-cli,keydb-cli,valkey-cli", r"(?:redis|keydb|valkey)-cli\b[^\n|;]{0,200}?\s-a\s+" + _VALUE, _typed),
    _place("password", " -", "mongo", r"\bmongo(?:sh|dump|restore|export|import)?\b[^\n|;]{0,200}?\s-p[ \t]*" + _VALUE, _typed),
    _place("password", " -", "curl,wget,http", r"\b(?:curl|wget|https?|xh)\b[^\n|;]{0,400}?\s(?:-u|--user|--proxy-user|-U|-a|--auth)[ =]?\\?[\"']?[^\s:\"'$\\]{1,128}:"
           r"([^\s\"'\\]{1,256})", _typed),
    _place("password", " -", "ldap", r"\bldap\w{3,10}\b[^\n|;]{0,300}?\s-w[ \t]*" + _VALUE, _typed),
    _place("password", " -", "sqlcmd,bcp,isql", r"\b(?:sqlcmd|bcp|isql)\b[^\n|;]{0,300}?\s-P[ \t]*" + _VALUE, _typed),
    _place("password", " -", "7z,zip,rar", r"\b(?:7za?|zip|unzip|unrar|rar)\b[^\n|;]{0,120}?\s(?:-p|-P[ \t]+|-hp)(?=[^\s\"'-])" + _VALUE, _typed),
    _place("password", " -", "smbclient,mount,cifs", r"\s-U[ \t]*[\"']?[\w.\\-]{1,64}%([^\s\"']{1,128})", _typed),
    _place("password", "pass", "pass:", r"(?<![\w-])-?pass(?:in|out)?[ \t]*[ =]?[\"']?pass:([^\s\"':]{1,128})", _typed),
    _place("password", "|", "sudo", r"\becho[ \t]+(?:-n[ \t]+)?" + _VALUE + r"[ \t]*\|[ \t]*sudo[^\n|;]{0,40}\s(?:-S|--stdin)", _typed),
    _place("password", "|", "stdin", r"\b(?:echo|printf)[ \t]+(?:-n[ \t]+)?(?:['\"]?%s['\"]?[ \t]+)?" + _VALUE
           + r"[ \t]*\|[^\n|;]{0,160}--(?:password|token|with-token)?-?stdin", _typed),
    _place("password", "", "identified by", r"(?i:identified\s+(?:with\s+\S+\s+)?by\s+(?:password\s+)?)['\"]([^'\"\n]{1,128})['\"]", _typed),
    _place("password", "pass", "password", r"(?i:\bpassword\s+)['\"]([^'\"\s]{4,128})['\"]", _typed),
    _place("password", "", "requirepass,masterauth", r"(?m)^[ \t]*(?:requirepass|masterauth)[ \t]+" + _VALUE, _typed),
    _place("password", "", "rabbitmqctl", r"rabbitmqctl\s+(?:add_user|change_password)\s+\S{1,64}\s+" + _VALUE, _typed),
    _place("password", "pass", "chpasswd", r"\becho[ \t]+[\"']?[\w.-]{1,64}:([^\s\"']{1,128})[\"']?[ \t]*\|[ \t]*(?:sudo[ \t]+)?chpasswd", _typed),
    _place("password", "pass", "htpasswd", r"\bhtpasswd\b[^\n|;]{0,80}?\s-\w*b\w*\s+(?:\S+\s+)?\S+\s+" + _VALUE, _typed),
    _place("password", "", ":5432:,:*:", r"(?m)^(?:[\w.*-]{1,128}|\\?\*):(?:\d{2,5}|\*):[\w*.-]{1,64}:[\w*.@-]{1,64}:([^\s:\"']{4,128})$", _typed),
    _place("signature", "sig", "signature=,sig=", r"(?i:[?&;](?:x-(?:amz|goog|oss|cos|ms|obs)-)?(?:signature|sig)=)([^\s&#\"'<>;\\]{16,4096})",
           _long_chance),
    _place("token", "?", "security-token=", r"(?i:[?&;](?:x-(?:amz|oss|cos|obs)-)?security-token=)([^\s&#\"'<>\\]{16,4096})", _long_chance),
    _place("key", "?", "key=,code=,ticket=,assertion=,auth=,session=,sid=,hmac=,appid=", r"[?&](?:key|code|ticket|assertion|auth|session|sid|hmac|appid)="
           r"([^\s&#=`\"'<>;\\][^\s&#`\"'<>;\\]{15,4096})", lambda value: (_long_chance(value) and not is_identity(value)) or (len(value) == 32 and is_identity(value))),
    _place("cookie", "sess", "sessid,sessionid", r"(?i:\b(?:phpsessid|jsessionid|connect\.sid|sessionid|asp\.net_sessionid|[\w]*sessid))"
           r"[=:][ ]?[\"']?([A-Za-z0-9%._!:+/-]{12,512})", _chance),
    _place("key", "auth", "_auth", r"_auth(?:Token)?[ \t]*=[ \t]*[\"']?([^\s\"'$]{8,512})", _chance),
    _place("key", "=", "accountkey=,accesskey=", r"(?i:(?:accountkey|sharedaccesskey|accesskey)=)([A-Za-z0-9+/]{20,}={0,2})", _chance),
    _place("env-value", " -", "--from-literal", r"--from-literal[= ][\"']?[\w.-]{1,64}=" + _VALUE, _typed),
)  # fmt: skip

_BY_SIGN = {
    sign: [place for place in PLACES if sign == place.sign] for sign in dict.fromkeys(place.sign for place in PLACES)
}

_COOKIES = re.compile(
    r"""(?i:(?:\bset-)?\bcookies?\\?["']?[ \t]{0,3}[:=][ \t]{0,3}\\?["']?|\bcurl\b[^\n|;]{0,400}?\s(?:-b|--cookie)[ =]["']?)([^\r\n"'\\]{1,4096})"""
)
_COOKIE = re.compile(r"([^\s=;,]{1,64})=([^\s;,]{6,4096})")
_OF_SESSIONS = re.compile(r"(?i)sess|sid\b|token|auth|jwt|remember|login|secret|csrf|xsrf|ticket|identity")

_ENV_FILE = re.compile(
    r"(?:^|[\s\"'/=>(\\])\.env(?:\.(?!example|sample|template|dist|tpl|defaults)[\w-]{1,32}){0,2}(?![\w./-])"
)
_ENV_LINE = re.compile(
    r"""^[ \t]*(?:\d{1,6}[→\t:|-][ \t]?)?(?:[\w./-]{0,80}\.env[\w.]{0,32}:(?:\d+:)?)?[+-]?[ \t]*(?:export[ \t]+)?
        (?P<name>[A-Za-z_][\w.]{0,100})[ \t]?=[ \t]?(?P<value>"[^"\n]*"?|'[^'\n]*'?|[^\s#][^\n]*?)[ \t\r]*(?:[ \t]\#[^\n]*)?$""",
    re.VERBOSE,
)
_SHOUTED = re.compile(r"[\s\d→:|+-]*(?:export )?[A-Z][A-Z0-9_]+=")
_HARMLESS = re.compile(
    r"(?i)^(?:true|false|yes|no|on|off|null|none|\d{1,5}|dev(?:elopment)?|prod(?:uction)?|test(?:ing)?|staging|local|localhost|debug|info"
    r"|warn(?:ing)?|error|utf-?8|0\.0\.0\.0|127\.0\.0\.1|https?://(?:localhost|127\.0\.0\.1)(?::\d+)?/?)?$"
)


_FLAGS = (" -p", " -u", " -a", " -w", " -h", " --")


def _has(sign: str, lowered: str) -> bool:
    """Whether a text has a sign; of flags only those that passwords follow count."""
    return sign in lowered and (sign != " -" or any([flag in lowered for flag in _FLAGS]))  # noqa: C419 - faster


def placed(text: str, lowered: str, literals: Set[str]) -> Iterator[Found]:
    """Secrets known by where they stand; `literals`: those of places that the text has in it."""
    for sign, places in _BY_SIGN.items():
        likely = [place for place in places if not literals.isdisjoint(place.literals)]
        for place in likely if likely and _has(sign, lowered) else ():
            yield from _at(place, text)
    if "cookie" in lowered or " -b " in text:
        yield from _cookies(text)


def _at(place: Place, text: str) -> Iterator[Found]:
    for match in place.pattern.finditer(text):
        group = match.lastindex or 0
        if place.tells(match[group]):
            yield Found(*match.span(group), place.kind)


def _cookies(text: str) -> Iterator[Found]:
    for header in _COOKIES.finditer(text):
        for cookie in _COOKIE.finditer(text, *header.span(1)):
            name, value = cookie[1], cookie[2].strip("\"'")
            if is_placeholder(value) or is_code(value):
                continue
            if is_random(value, 16) or (_OF_SESSIONS.search(name) and is_random(value, 6)):
                yield Found(*cookie.span(2), "cookie")


def names_env_file(text: str) -> bool:
    """Whether a text, such as a path or a command, names a .env file that holds real values."""
    return ".env" in text and _ENV_FILE.search(text) is not None


def env_values(text: str, *, known: bool) -> Iterator[Found]:
    """The values of a .env file: of all of the text, or of the lines that follow one that names such a file."""
    inside, begun, at = known, False, 0
    for line in text.split("\n"):
        match = _ENV_LINE.match(line) if inside and "=" in line and (known or _SHOUTED.match(line)) else None
        if match:
            yield from _env_value(match, at)
        elif not known:
            inside = names_env_file(line) or (inside and _goes_on(line, begun=begun))
        begun = inside and (begun or match is not None)
        at += len(line) + 1


def _goes_on(line: str, *, begun: bool) -> bool:
    """Whether a line without a value belongs to the file: blank, a comment, what opens it."""
    bare = line.lstrip(" +-")
    return not bare.strip() or bare.startswith(("#", "@@")) or (not begun and bare.startswith(("```", "<<")))


def _env_value(match: re.Match[str], at: int) -> Iterator[Found]:
    start, end = match.span("value")
    value = match["value"]
    if value[0] in "\"'":
        start, end = start + 1, end - (len(value) > 1 and value[-1] == value[0])
    value = value.strip("\"'")
    if len(value) > 1 and not _HARMLESS.match(value) and not is_placeholder(value):
        yield Found(at + start, at + end, "env-value")
