"""The wire, byte for byte: whoever changes an event's form by accident is told here.

A change on purpose is a new version of the event, or a field that readers may miss. Then write the files anew:
``python tests/schemas/test_golden.py``.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from schemas import codec, registry_codec, rows, senml
from schemas.examples import EXAMPLES, START_NS

GOLDEN = Path(__file__).parent / "golden"
READERS: dict[str, Callable[[bytes], object]] = {
    "readings": lambda raw: senml.decode_pack(raw, START_NS),
    "crowd": rows.decode_crowd,
    "video": rows.decode_video,
    "report": rows.decode_report,
    "indicator": codec.decode_indicator,
    "unit-scores": codec.decode_unit_scores,
    "anomaly": codec.decode_anomaly,
    "alert": codec.decode_alert,
    "order": codec.decode_order,
    "feedback": codec.decode_feedback,
    "action": codec.decode_action,
    "registry-device": registry_codec.decode_device,
    "registry-unit": registry_codec.decode_unit,
    "registry-team": registry_codec.decode_team,
    "registry-gateway": registry_codec.decode_gateway,
}


def golden(name: str) -> bytes:
    return (GOLDEN / f"{name}.json").read_bytes().removesuffix(b"\n")


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_we_write_has_not_changed(name: str) -> None:
    assert EXAMPLES[name]() == golden(name)


@pytest.mark.parametrize(("name", "read"), READERS.items())
def test_what_was_written_is_still_read(name: str, read: Callable[[bytes], object]) -> None:
    assert read(golden(name)) == read(EXAMPLES[name]())


def test_every_golden_file_has_its_example() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(EXAMPLES)


if __name__ == "__main__":
    for example, written in EXAMPLES.items():
        (GOLDEN / f"{example}.json").write_bytes(written() + b"\n")
