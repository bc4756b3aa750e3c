from __future__ import annotations

import msgspec
import pytest

from streams.store.balance import Cuts, make_balance
from streams.store.balance_text import balance_text
from streams.store.counters import SourceCounts

KEY = "vitals.readings/3"


def cuts(store: SourceCounts | None = None, tail: int = 0, **sense: int) -> Cuts:
    judged = {KEY: {name.rstrip("_"): count for name, count in sense.items()}} if sense else {}
    return Cuts(judged=judged, stored={} if store is None else {KEY: store}, tails={KEY: tail} if tail else {})


SENSE = {"in_": 10, "judged": 7, "late": 1, "dead": 1, "duplicate": 1}


@pytest.mark.parametrize(
    ("found", "status", "lag", "code"),
    [
        (cuts(), "closed", [], 0),
        (cuts(SourceCounts(total=7, stored=7), **SENSE), "closed", [0], 0),
        (cuts(SourceCounts(total=7, stored=4, expired=1, skipped=1, store_dead=1), **SENSE), "closed", [0], 0),
        (cuts(SourceCounts(total=5, stored=5), **SENSE), "lagging", [2], 3),
        (cuts(None, **SENSE), "lagging", [7], 3),
        (cuts(None, tail=4), "lagging", [4], 3),
        (cuts(SourceCounts(total=9, stored=9), tail=3, **SENSE), "lagging", [3], 3),
        (cuts(SourceCounts(total=9, stored=9), **SENSE), "open", [0], 1),
        (cuts(SourceCounts(total=7, stored=6), **SENSE), "open", [0], 1),
        (cuts(SourceCounts(total=7, stored=6, missing=1), **SENSE), "open", [0], 1),
        (cuts(SourceCounts(total=7, stored=7), **(SENSE | {"in_": 11})), "open", [0], 1),
    ],
)
def test_a_balance_is_closed_open_or_lagging(found: Cuts, status: str, lag: list[int], code: int) -> None:
    balance = make_balance(found)
    assert (balance.status, balance.closed, balance.exit_code()) == (status, status == "closed", code)
    assert [row.lag for row in balance.by_partition] == lag


def test_a_row_has_the_fields_of_the_report() -> None:
    (row,) = make_balance(cuts(SourceCounts(total=7, stored=7), **SENSE)).by_partition
    assert list(msgspec.to_builtins(row)) == [
        "topic", "partition", "in", "judged", "late", "dead", "duplicate", "stored", "expired", "skipped", "store_dead",
        "lag",
    ]  # fmt: skip


def test_the_table_has_a_line_a_partition_and_the_verdict() -> None:
    text = balance_text(make_balance(cuts(SourceCounts(total=5, stored=5), **SENSE)))
    head, row, total, verdict = text.splitlines()
    assert head.split()[:3] == ["topic", "partition", "in"]
    assert row.split() == ["vitals.readings", "3", "10", "7", "1", "1", "1", "5", "0", "0", "0", "2"]
    assert total.split() == ["all", "10", "7", "1", "1", "1", "5", "0", "0", "0", "2"]
    assert verdict == "lagging: rows are still on their way"
    assert len(head) == len(row)


def test_an_open_balance_says_what_does_not_add_up() -> None:
    text = balance_text(make_balance(cuts(SourceCounts(total=7, stored=6, missing=1), **SENSE)))
    assert "vitals.readings/3: 1 judged rows never came to the store" in text
    assert balance_text(make_balance(cuts())).startswith("no source has had a record yet")
