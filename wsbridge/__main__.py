"""`python -m wsbridge`: run the bridge until told to stop."""

import asyncio
import signal
import sys

from dcm import redaction
from dcm import settings as settings_module
from dcm.domain.errors import StartError
from dcm.figures import tell
from dcm.logs import log_to_stderr
from wsbridge.server import Bridge


async def _run() -> None:
    settings = settings_module.load()
    log_to_stderr(settings.log_level, redaction.of_logs(settings))
    tell(settings.home, "wsbridge")
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await Bridge(settings).run(stop)


if __name__ == "__main__":
    try:
        asyncio.run(_run())
    except StartError as error:
        sys.exit(f"dcm: {error}")
