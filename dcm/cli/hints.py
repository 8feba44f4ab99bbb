"""The commands in our sentences, as they can be run here: `dcm` is often not on the PATH."""

import os
import shutil
import sys
from functools import cache
from pathlib import Path


def callable_here(text: str) -> str:
    """The text with each `dcm ...` in it named as it can be run from here."""
    return text.replace("`dcm ", f"`{program()} ")


@cache
def program() -> str:
    """`dcm` where that is this program, else its path, short where it lies below the folder we are in."""
    ours = Path(sys.executable).with_name("dcm")
    found = shutil.which("dcm")
    if not ours.exists() or (found and Path(found).resolve() == ours.resolve()):
        return "dcm"
    here = Path.cwd()
    return os.path.relpath(ours, here) if ours.is_relative_to(here) else str(ours)
