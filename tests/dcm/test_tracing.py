"""Where traces of DCM itself are sent, and when they are off."""

import pytest

from dcm.domain.errors import SettingsError
from dcm.settings import load
from dcm.tracing import traces

COLLECTOR = "http://127.0.0.1:4318"


def endpoint(**environ: str) -> str:
    return load({"HOME": "/h", **environ}).otlp_endpoint


def test_dcms_own_variable_goes_before_the_standard_one_and_off_is_the_usual() -> None:
    assert endpoint() == ""
    assert endpoint(OTEL_EXPORTER_OTLP_ENDPOINT=f"{COLLECTOR}/") == COLLECTOR
    assert endpoint(DCM_OTLP_ENDPOINT="https://c:1", OTEL_EXPORTER_OTLP_ENDPOINT=COLLECTOR) == "https://c:1"


def test_an_address_that_is_none_is_refused_and_a_standard_one_for_others_is_left_alone() -> None:
    with pytest.raises(SettingsError, match="DCM_OTLP_ENDPOINT"):
        endpoint(DCM_OTLP_ENDPOINT="localhost:4318")
    assert endpoint(OTEL_EXPORTER_OTLP_ENDPOINT="localhost:4317") == ""


def test_a_password_in_the_address_is_not_shown() -> None:
    shown = load({"HOME": "/h", "DCM_OTLP_ENDPOINT": "https://ada:hush@collector"}).masked()
    assert shown["otlp_endpoint"] == "https://ada:***@collector"


@pytest.mark.parametrize("address", ["http://127.0.0.1:3847", "http://localhost:3848", ""])
def test_nothing_is_sent_to_dcm_itself_which_a_session_s_own_telemetry_names(address: str) -> None:
    assert traces(load({"HOME": "/h", "OTEL_EXPORTER_OTLP_ENDPOINT": address}), "test") is None
