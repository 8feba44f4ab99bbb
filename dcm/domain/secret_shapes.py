"""Secrets that their own shape gives away: tokens with a prefix, JSON web tokens, private keys, passwords in URLs."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from dcm.domain.placeholders import is_placeholder, is_random


class Found(NamedTuple):
    """Where a secret stands in a text, and of which kind it is."""

    start: int
    end: int
    kind: str


ESCAPE = r"(?<=\\[abfnrtv])"
"""Behind a line break or a tab as it is written in a string: its letter is none of a word's."""

_BOUND = rf"(?:(?<![A-Za-z0-9])|{ESCAPE})"


def _shape(kind: str, literals: str, pattern: str) -> tuple[str, tuple[str, ...], re.Pattern[str]]:
    """A kind, what a text must have in it, the pattern; its group 1, else all of it, is the secret."""
    return kind, tuple(literals.split()), re.compile(pattern)


SHAPES = (
    _shape("dcm-token", "dcm_ dcma_", _BOUND + r"dcma?_(?=[\w-]{0,42}[A-Z])[\w-]{43}"),
    _shape("aws-key", "AKIA ASIA ABIA ACCA", _BOUND + r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    _shape("github-token", "ghp_ gho_ ghu_ ghs_ ghr_", _BOUND + r"gh[pousr]_[A-Za-z0-9_]{20,255}"),
    _shape("github-token", "github_pat_", r"github_pat_[A-Za-z0-9_]{22,255}"),
    _shape("gitlab-token", "gl", _BOUND + r"gl(?:pat|dt|rt|ptt|cbt|agent|imt|oas|ft|soat|ffct|wt)-[\w.-]{20,300}"),
    _shape("gitlab-token", "GR1348941", r"GR1348941[\w-]{20,}"),
    _shape("slack-token", "xox", _BOUND + r"xox[abeoprs]-[\w-]{10,300}"),
    _shape("slack-token", "xapp-", _BOUND + r"xapp-\d-[\w-]{20,300}"),
    _shape("slack-webhook", "hooks.slack.com", r"hooks\.slack\.com/(?:services|workflows|triggers)/([\w/+-]{20,})"),
    _shape("discord-webhook", "/webhooks/", r"discord(?:app)?\.com/api/(?:v\d+/)?webhooks/\d+/([\w-]{30,})"),
    _shape("teams-webhook", "/webhookb2/", r"/webhookb2/([\w@-]+/IncomingWebhook/[\w/-]{20,})"),
    _shape("stripe-key", "_live_ _test_", _BOUND + r"[sr]k_(?:live|test)_[A-Za-z0-9]{10,255}"),
    _shape("stripe-key", "whsec_", _BOUND + r"whsec_[A-Za-z0-9+/=]{20,100}"),
    _shape("api-key", "sk-", _BOUND + r"sk-(?:(?:[a-z0-9]{2,12}-){1,3}[\w-]{16,300}|[A-Za-z0-9]{20,200})"),
    _shape("npm-token", "npm_", _BOUND + r"npm_[A-Za-z0-9]{30,100}"),
    _shape("pypi-token", "pypi-", r"pypi-[A-Za-z0-9_-]{40,}"),
    _shape("huggingface-token", "hf_ api_org_", _BOUND + r"(?:hf_|api_org_)[A-Za-z0-9]{25,60}"),
    _shape("google-key", "AIza", _BOUND + r"AIza[\w-]{33,40}"),
    _shape("google-token", "ya29. GOCSPX- 1//0", _BOUND + r"(?:ya29\.[\w.-]{20,}|GOCSPX-[\w-]{20,}|1//0[\w-]{35,})"),
    _shape("sendgrid-key", "SG.", _BOUND + r"SG\.[\w-]{16,32}\.[\w-]{16,64}"),
    _shape("mailgun-key", "key-", _BOUND + r"key-(?=[a-z]*[0-9])[0-9a-z]{32}(?![0-9a-z])"),
    _shape("mailchimp-key", "-us", _BOUND + r"[0-9a-f]{32}-us\d{1,2}(?!\w)"),
    _shape("twilio-key", "SK", _BOUND + r"SK[0-9a-f]{32}(?![0-9a-f])"),
    _shape("digitalocean-token", "_v1_", _BOUND + r"do[opr]_v1_[0-9a-f]{40,}"),
    _shape("shopify-token", "shp", _BOUND + r"shp(?:at|ca|pa|ss|tka)_[0-9a-fA-F]{24,}"),
    _shape("square-token", "sq0 EAAA", _BOUND + r"(?:sq0[a-z]{3}-[\w-]{22,}|EAAA[\w-]{56,})"),
    _shape("docker-token", "dckr_", r"dckr_(?:pat|oat)_[\w-]{20,}"),
    _shape("vault-token", "hvs. hvb. hvr.", _BOUND + r"hv[sbr]\.[\w-]{20,}"),
    _shape("databricks-token", "dapi", _BOUND + r"dapi[0-9a-f]{32}(?:-\d)?"),
    _shape("newrelic-key", "NRAK- NRII- NRJS-", _BOUND + r"NR(?:AK|II|JS)-[\w-]{19,}"),
    _shape("grafana-token", "glsa_ glc_", _BOUND + r"(?:glsa_[A-Za-z0-9]{32}_[0-9a-fA-F]{8}|glc_[A-Za-z0-9+/=]{32,})"),
    _shape("postman-key", "PMAK-", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    _shape("notion-token", "ntn_ secret_", _BOUND + r"(?:ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{43})(?!\w)"),
    _shape("sentry-token", "sntry", _BOUND + r"sntry[su]_[\w+/=-]{40,}"),
    _shape("xai-key", "xai-", _BOUND + r"xai-[A-Za-z0-9]{50,}"),
    _shape("api-key", "pplx- tvly-", _BOUND + r"(?:pplx|tvly)-[A-Za-z0-9-]{24,}"),
    _shape("api-key", "gsk_ r8_ rnd_ csk- nvapi- jina_", _BOUND + r"(?:gsk_|r8_|rnd_|csk-|nvapi-|jina_)[\w-]{24,}"),
    _shape("atlassian-token", "ATATT ATCTT ATBB", _BOUND + r"AT(?:ATT|CTT|BB)[\w=.-]{20,}"),
    _shape("airtable-token", "pat", _BOUND + r"pat[A-Za-z0-9]{14}\.[0-9a-f]{40,}"),
    _shape("hubspot-token", "pat-", _BOUND + r"pat-(?:na|eu)\d-[0-9a-f-]{36}"),
    _shape("telegram-token", ":AA", r"(?<!\d)\d{8,10}:AA[\w-]{32,34}(?![\w-])"),
    _shape("discord-token", "MT NT Nz Nj OD OT ND", _BOUND + r"(?:MT|N[DTjz]|O[DT])[\w-]{21,26}\.[\w-]{6,7}\.[\w-]{27,45}(?![\w-])"),
    _shape("azure-secret", "Q~", rf"(?:(?<![\w~.-])|{ESCAPE})" + r"[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,36}"),
    _shape("age-key", "AGE-SECRET-KEY-", r"AGE-SECRET-KEY-1[A-Z0-9]{50,}"),
    _shape("supabase-key", "sbp_ sb_secret_", _BOUND + r"(?:sbp_[0-9a-f]{40}|sb_secret_[\w-]{20,})"),
    _shape("planetscale-token", "pscale_", r"pscale_(?:tkn|pw|oauth)_[\w.=-]{30,}"),
    _shape("doppler-token", "dp.", _BOUND + r"dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[\w-]+\.)?[A-Za-z0-9]{40,}"),
    _shape("terraform-token", ".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,}"),
    _shape("linear-key", "lin_", _BOUND + r"lin_(?:api|oauth)_[A-Za-z0-9]{32,}"),
    _shape("rubygems-key", "rubygems_", r"rubygems_[0-9a-f]{48}"),
    _shape("figma-token", "figd_ figu_ figo_", _BOUND + r"fig[duo]_[\w-]{40,}"),
    _shape("shippo-token", "shippo_", r"shippo_(?:live|test)_[0-9a-f]{40}"),
    _shape("flutterwave-key", "FLW", r"FLWSECK(?:_TEST)?-[0-9a-zA-Z-]{12,}"),
    _shape("easypost-key", "EZAK EZTK", _BOUND + r"EZ[AT]K[A-Za-z0-9]{54}"),
    _shape("1password-token", "ops_eyJ A3-", _BOUND + r"(?:ops_eyJ[\w+/=-]{80,}|A3-[A-Z0-9]{6}-(?:[A-Z0-9]{5,11}-){2,}[A-Z0-9-]{5,})"),
    _shape("fly-token", "fo1_ fm1 fm2_", _BOUND + r"(?:fo1_[\w-]{43}|fm1[ar]_[A-Za-z0-9+/=]{50,}|fm2_[A-Za-z0-9+/=]{50,})"),
    _shape("netlify-token", "nfp_", _BOUND + r"nfp_[A-Za-z0-9]{24,}"),
    _shape("vercel-token", "vcp_ vci_ vck_ vcr_ vca_", _BOUND + r"vc[pikra]_[A-Za-z0-9]{24,}"),
    _shape("buildkite-token", "bk", _BOUND + r"bk[a-z]{2}_\w{30,}"),
    _shape("circleci-token", "CCIPAT_", _BOUND + r"CCIPAT_\w{30,}"),
    _shape("heroku-key", "HRKU-", r"HRKU-[\w-]{36,}"),
    _shape("facebook-token", "EAA", _BOUND + r"EAA[A-Za-z0-9]{80,}"),
    _shape("twitter-token", "AAAAAAAAAAAAAAAAAAAAA", _BOUND + r"A{21,24}[A-Za-z0-9%]{60,}"),
    _shape("mapbox-token", "sk.eyJ", _BOUND + r"sk\.eyJ[\w-]{20,}\.[\w-]{20,}"),
    _shape("jwt", "eyJ eyK", _BOUND + r"ey[JK][\w-]{8,1500}\.ey[JK][\w-]{8,}(?:\.[\w-]*)?"),
    _shape("jwt", "eyJ", _BOUND + r"eyJ[\w-]{16,1500}\.[\w-]{0,1500}\.[\w-]{12,}\.[\w-]{16,}\.[\w-]{16,}"),
)  # fmt: skip
"""Case counts. Lengths are loose: whoever issues tokens makes them longer over time."""


_BY_LITERAL = [(literal, number) for number, (_, literals, _) in enumerate(SHAPES) for literal in literals]


_BODY = re.compile(r"(?<![A-Za-z0-9])(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{8,}")


def shaped(text: str) -> Iterator[Found]:
    """Tokens known by their shape. Only words as long as a token are searched for what tokens begin with."""
    long = " ".join([word for word in text.split() if len(word) >= 20 and _BODY.search(word)])
    if not long:
        return
    for number in dict.fromkeys([number for literal, number in _BY_LITERAL if literal in long]):
        kind, _, pattern = SHAPES[number]
        for match in pattern.finditer(text):
            start, end = match.span(pattern.groups)
            if not _is_filler(text[start:end]):
                yield Found(start, end, kind)


def _is_filler(token: str) -> bool:
    """Whether the body of a token is xxxx, or says what belongs there."""
    return len(set(token[-20:])) < 5 or any(sign in token.lower() for sign in ("your", "xxxxx", "placeholder", "-here"))


_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_KEY_TEXT = re.compile(r"""(?:[A-Za-z0-9+/=\s>|→,;:.()"'-]|\\+[nrt"])*+""")
"""What a private key may be cut into: lines of base64, escaped, quoted, numbered or as those of a diff."""

_KEY_ROWS_BEFORE = re.compile(
    r"(?:^|\n|\\n)(?:[ \t>+|-]*(?:\d+[→\t:])?[A-Za-z0-9+/=]{16,80}[ \t]*(?:\n|\r|\\n|\\r)+)+\Z"
)
_PUTTY = re.compile(r"Private-Lines: \d+\s+((?:[A-Za-z0-9+/=]+\s*)+)")
LONGEST_KEY = 20_000


def private_keys(text: str) -> Iterator[Found]:
    """Private keys, whole, or what is left of one whose end or beginning was cut off."""
    if "PuTTY" in text:
        yield from (Found(*match.span(1), "private-key") for match in _PUTTY.finditer(text))
    if "PRIVATE KEY" not in text:
        return
    done = 0
    for begin in _BEGIN.finditer(text):
        if begin.start() >= done:
            done = _key_end(text, begin.end())
            if len(set(text[begin.end() : begin.end() + 200])) > 12:
                yield Found(begin.start(), done, "private-key")
    for end in _END.finditer(text):
        if end.start() >= done:
            head = text[max(done, end.start() - LONGEST_KEY) : end.start()]
            rows = _KEY_ROWS_BEFORE.search(head[-_run(head) :]) if _run(head) else None
            if rows:
                yield Found(end.start() - len(rows[0].lstrip("\n")), end.end(), "private-key")
            done = end.end()


def _key_end(text: str, begin: int) -> int:
    other = text.find("-----BEGIN", begin, begin + LONGEST_KEY)
    limit = other if other >= 0 else min(len(text), begin + LONGEST_KEY)
    end = _END.search(text, begin, limit)
    if end:
        return end.end()
    run = _KEY_TEXT.match(text, begin, limit)
    rows = re.split(r"(\n|\\n)", run[0] if run else "")
    kept = 0
    for number, row in enumerate(rows):
        body = row.strip(" \t\r+->|→:0123456789")
        if number % 2 == 0 and body and not _is_key_row(row):
            break
        kept += len(row)
    return begin + len("".join(rows)[:kept].rstrip()) if run else begin


def _is_key_row(row: str) -> bool:
    """A line of a key: base64 without spaces inside, or a heading such as Proc-Type."""
    return bool(re.search(r"[A-Za-z0-9+/=]{16,}", row) or re.match(r"\W*(?:Proc-Type|DEK-Info|Version|Comment):", row))


def _run(head: str) -> int:
    """Characters at the end of a text that could be lines of a key."""
    return len(head) - len(
        head.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\\ \t\r\n>|→:-")
    )


_URL = re.compile(
    r"://(?P<user>[^\s/:@\"'<>?#]{0,128}):(?P<password>[^\s@\"'<>]{1,256})@(?P<host>[\w.\[\]:%$()-]{0,255})"
)
_URL_TOKEN = re.compile(r"://([A-Za-z0-9_.~%-]{20,256})@[\w.-]+")
_GO_DSN = re.compile(r"(?<![\w:/])[\w.-]{1,64}:([^\s@\"'/]{1,128})@(?:tcp|unix|tcp6)\(")
_ORACLE = re.compile(r"jdbc:oracle:\w+:[^\s/@\"']{1,128}/([^\s@\"']{1,128})@")


def url_passwords(text: str) -> Iterator[Found]:
    """Passwords in addresses. A default one, such as postgres:postgres, is let be where its host is this machine."""
    if "@" not in text or not ("://" in text or "jdbc:" in text or "@tcp(" in text or "@unix(" in text):
        return
    for match in _URL.finditer(text):
        password, host = match["password"], match["host"]
        if "://" in password or _is_default(match["user"], password, host):
            continue
        yield Found(*match.span("password"), "url-password")
    for match in (*_URL_TOKEN.finditer(text), *_ORACLE.finditer(text), *_GO_DSN.finditer(text)):
        if not is_placeholder(match[1]) and (match.re is not _URL_TOKEN or is_random(match[1], 20)):
            yield Found(*match.span(1), "url-password")


_PORT = re.compile(r"\d{1,5}[/?#]")


def _is_default(user: str, password: str, host: str) -> bool:
    if _PORT.match(password) or password.startswith(("$", "{", "%(")) or password.strip("*x.X") == "":
        return True
    near = "." not in host or host.startswith(("127.", "0.0.0.0"))  # nosec B104 # noqa: S104 - read, not listened on
    known = is_placeholder(password) or password == user
    return known and (near or password.lower() in {"password", "pass"} or not password.isalnum())
