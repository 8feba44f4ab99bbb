"""`make audit`: ask what is known against the packages DCM is made of.

A weakness that is known fails. An index that tells nothing of weaknesses is said in a line, and is no failure.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PIP_AUDIT = ("pip-audit", "--disable-pip", "--require-hashes", "--progress-spinner=off", "--format=json", "-r")
NPM_AUDIT = ("npm", "audit", "--json", "--package-lock-only", "--prefix")
LONGEST_S = 120


def told(argv: Sequence[str]) -> Any:
    """What a program says in JSON; None when it says nothing of the kind."""
    try:
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=LONGEST_S)
        return json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return None


def of_python(lock: str) -> Iterator[str]:
    """What is known against the packages of a lock."""
    answer = told([str(Path(sys.executable).with_name(PIP_AUDIT[0])), *PIP_AUDIT[1:], lock])
    packages = answer.get("dependencies", []) if isinstance(answer, dict) else []
    unknown = [package for package in packages if "skip_reason" in package]
    for package in packages:
        for weakness in package.get("vulns", []):
            mend = ", ".join(weakness.get("fix_versions", [])) or "no version yet"
            yield f"{package['name']} {package['version']}: {weakness['id']}, mended in {mend}"
    if not packages:
        say(f"{lock}: the index tells nothing of weaknesses, so nothing was looked at")
    elif unknown:
        say(f"{lock}: the index tells nothing of {len(unknown)} of {len(packages)} packages")
    else:
        say(f"{lock}: {len(packages)} packages were looked at")


def of_node(folder: str) -> Iterator[str]:
    """What is known against the packages of a folder's package-lock.json."""
    answer = told([*NPM_AUDIT, folder])
    found = answer.get("vulnerabilities") if isinstance(answer, dict) else None
    if found is None:
        say(f"{folder}: the registry tells nothing of weaknesses, so nothing was looked at")
        return
    say(f"{folder}: {answer.get('metadata', {}).get('dependencies', {}).get('total', 0)} packages were looked at")
    for name, weakness in found.items():
        yield f"{folder}: {name} {weakness.get('range', '')}: {weakness.get('severity', '')}"


def say(sentence: str) -> None:
    """A line for who runs this."""
    print(f"audit: {sentence}")  # noqa: T201 - it is what the command is for


def main() -> int:
    """Look at everything; 1 when something is known."""
    known = [*of_python("requirements.lock"), *of_node("dashboard")]
    for weakness in known:
        say(weakness)
    return 1 if known else 0


if __name__ == "__main__":
    sys.exit(main())
