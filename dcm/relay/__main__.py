"""`python -m dcm.relay`: the relay alone, without what the command line needs."""

import sys

from dcm.domain.errors import DcmError
from dcm.relay import running
from dcm.settings import load


def main() -> int:
    """Run it; an error DCM raised on purpose is one sentence."""
    try:
        running.run(load())
    except DcmError as error:
        print(f"dcm: {error}", file=sys.stderr)  # noqa: T201 - there is nobody else to say it to
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
