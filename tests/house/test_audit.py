"""What CI does with what the indexes tell, or do not tell, of the packages."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def package(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "version": "1.0", **more}


WEAK = package("left-pad", vulns=[{"id": "PYSEC-1", "fix_versions": ["1.1"]}])
WELL = package("right-pad", vulns=[])
UNKNOWN = package("pad", skip_reason="not found")
NPM_WELL = {"vulnerabilities": {}, "metadata": {"dependencies": {"total": 7}}}
NPM_WEAK = {"vulnerabilities": {"pad": {"severity": "high", "range": "<2"}}}


@pytest.mark.parametrize(
    ("answers", "code", "said"),
    [
        (({"dependencies": [WELL]}, NPM_WELL), 0, "7 packages were looked at"),
        (({"dependencies": [WELL, WEAK]}, NPM_WELL), 1, "left-pad 1.0: PYSEC-1, mended in 1.1"),
        (({"dependencies": [UNKNOWN, WEAK]}, NPM_WELL), 1, "nothing of 1 of 2 packages"),
        (({"dependencies": [UNKNOWN]}, NPM_WELL), 0, "nothing of 1 of 1 packages"),
        ((None, None), 0, "requirements.lock: the index tells nothing"),
        ((None, {"error": {"code": "EAUDIT"}}), 0, "dashboard: the registry tells nothing"),
        ((None, NPM_WEAK), 1, "dashboard: pad <2: high"),
    ],
)
def test_what_is_known_fails_and_what_nobody_tells_is_said(
    audit: ModuleType, monkeypatch: pytest.MonkeyPatch, answers: tuple[Any, Any], code: int, said: str
) -> None:
    sentences: list[str] = []
    monkeypatch.setattr(audit, "told", lambda argv: answers[argv[0] == "npm"])
    monkeypatch.setattr(audit, "say", sentences.append)
    assert audit.main() == code
    assert said in "\n".join(sentences)


def test_a_program_that_is_not_there_or_says_no_json_tells_nothing(audit: ModuleType) -> None:
    assert audit.told(["/nowhere/pip-audit"]) is None
    assert audit.told(["echo", "405 Method Not Allowed"]) is None
    assert audit.told(["echo", json.dumps(NPM_WELL)]) == NPM_WELL


def test_check_looks_for_weaknesses_in_the_code_and_ci_in_the_packages() -> None:
    assert "bandit" in (ROOT / "Makefile").read_text()
    assert "make audit" in (ROOT / ".ci" / "run").read_text()
