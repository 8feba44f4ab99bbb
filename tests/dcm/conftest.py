"""The stand-ins of the end-to-end tests, for the launcher."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "end_to_end"))
