"""The hook client run as Claude Code runs it, and stand-ins for the server it reports to."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "end_to_end"))
