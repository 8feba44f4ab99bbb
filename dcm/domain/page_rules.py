"""What a browser is told to keep to with what we answer: the headers of data, and those of our own pages."""

import re
from collections.abc import Mapping

DATA: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""Of every answer: it is what its type says, nobody else's page embeds it, and as a page it could do nothing."""

PAGE: Mapping[str, str] = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
"""Of our own pages besides: who opened one has no hold on it, and none needs a camera."""

NOT_KEPT = "no-store"
"""Cache-Control of data: a browser keeps no copy of it on the disk."""

_NAME = re.compile(r"[A-Za-z0-9.-]+")


def policy(host: str, ws_port: int) -> str:
    """The content policy of our pages: their own files, their own server and its bridge, under the host they came by.

    A policy cannot name an IPv6 address; there it is any host, at the bridge's port.
    """
    name = host if _NAME.fullmatch(host) else "*"
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            f"connect-src 'self' ws://{name}:{ws_port} wss://{name}:{ws_port}",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "object-src 'none'",
        )
    )
