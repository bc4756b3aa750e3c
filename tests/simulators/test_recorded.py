import gzip
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas.files import Mapping, TimeColumns, ValueColumn
from schemas.registry import Unit
from schemas.times import parse_time
from simulators.recorded import RecordedDataError, Recording, Tally, moment_ns

UNIT = Unit(unit_id="melb.cbd.g01.centre", kind="shops", name_zh="中心", name_en="Centre")
MAPPING = Mapping(
    name="tiny", files=("counts.csv",), time=TimeColumns(columns=("Date", "Hour"), format="%d-%b-%Y %H"),
    time_zone="Australia/Melbourne", period_s=3_600, target="vitals.readings", unit=UNIT, device="ped-{Sensor}",
    values=(ValueColumn(column="Count", to="people_in", unit="/"),),
)  # fmt: skip
COUNTS = """Date,Hour,Sensor,Count
01-Jan-2014,1,4,120
01-Jan-2014,0,4,100
01-Jan-2014,0,9,NaN
01-Jan-2014,0,NaN,5
01-Jan-2014,0,9,many
01-Feb-2014,0,4,7
"""


def mapping(**changes: Any) -> Mapping:
    return msgspec.structs.replace(MAPPING, **changes)


def written(folder: Path, text: str = COUNTS) -> Path:
    (folder / "counts.csv").write_text(text)
    return folder


def test_rows_have_utc_times_devices_and_values(tmp_path: Path) -> None:
    rows = list(Recording(mapping=MAPPING, data=written(tmp_path)).rows())
    assert [(row.time_ns, row.thing, row.cells) for row in rows] == [
        (parse_time("2013-12-31T14:00:00Z"), "ped-4", ((0, 120.0),)),
        (parse_time("2013-12-31T13:00:00Z"), "ped-4", ((0, 100.0),)),
        (parse_time("2014-01-31T13:00:00Z"), "ped-4", ((0, 7.0),)),
    ]


def test_missing_cells_stay_missing_and_everything_is_counted(tmp_path: Path) -> None:
    tally = Tally()
    list(Recording(mapping=MAPPING, data=written(tmp_path)).rows(tally))
    assert (tally.rows, tally.events, tally.missing, tally.unreadable) == (6, 3, 2, 1)


def test_from_and_to_are_in_the_datas_own_time_zone(tmp_path: Path) -> None:
    from_ns, to_ns = (moment_ns(text, MAPPING.time_zone) for text in ("2014-01-01", "2014-02-01"))
    assert from_ns == parse_time("2013-12-31T13:00:00Z")
    assert moment_ns("2014-01-01T00:00:00Z", MAPPING.time_zone) == parse_time("2014-01-01T00:00:00Z")
    tally = Tally()
    list(Recording(mapping=MAPPING, data=written(tmp_path), from_ns=from_ns, to_ns=to_ns).rows(tally))
    assert (tally.rows, tally.events) == (5, 2)


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("06-Oct-2013,1", "2013-10-05T15:00:00Z"),
        ("06-Oct-2013,3", "2013-10-05T16:00:00Z"),
        ("06-Apr-2014,2", "2014-04-05T15:00:00Z"),  # comes twice: the first is meant
        ("06-Apr-2014,3", "2014-04-05T17:00:00Z"),
    ],
)
def test_summer_time_begins_and_ends(tmp_path: Path, local: str, utc: str) -> None:
    data = written(tmp_path, f"Date,Hour,Sensor,Count\n{local},4,1\n")
    assert [row.time_ns for row in Recording(mapping=MAPPING, data=data).rows()] == [parse_time(utc)]


def test_an_hour_that_summer_time_leaves_out_is_unreadable(tmp_path: Path) -> None:
    tally = Tally()
    data = written(tmp_path, "Date,Hour,Sensor,Count\n06-Oct-2013,2,4,1\nyesterday,2,4,1\n")
    assert list(Recording(mapping=MAPPING, data=data).rows(tally)) == []
    assert tally.unreadable == 2


def test_packed_files_read_the_same(tmp_path: Path) -> None:
    plain = list(Recording(mapping=MAPPING, data=written(tmp_path)).rows())
    with zipfile.ZipFile(tmp_path / "counts.zip", "w") as archive:
        archive.write(tmp_path / "counts.csv", "inside/counts.csv")
    (tmp_path / "counts.csv.gz").write_bytes(gzip.compress(COUNTS.encode()))
    for name in ("counts.zip", "counts.csv.gz"):
        assert list(Recording(mapping=mapping(files=(name,)), data=tmp_path).rows()) == plain
        assert list(Recording(mapping=MAPPING, data=tmp_path / name).rows()) == plain


def test_a_zip_with_two_files_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "counts.zip", "w") as archive:
        archive.writestr("a.csv", COUNTS)
        archive.writestr("b.csv", COUNTS)
    with pytest.raises(RecordedDataError, match="holds 2 files"):
        list(Recording(mapping=MAPPING, data=tmp_path / "counts.zip").rows())


def test_a_file_or_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordedDataError, match=r"no counts\.csv in or below .*--data"):
        list(Recording(mapping=MAPPING, data=tmp_path).rows())
    with pytest.raises(RecordedDataError, match="no column Sensor; there are Date, Hour, Count"):
        list(Recording(mapping=MAPPING, data=written(tmp_path, "Date,Hour,Count\n")).rows())


def test_a_columns_file_pattern_says_what_a_file_measures(tmp_path: Path) -> None:
    (tmp_path / "speed_1.csv").write_text("timestamp,value\n2015-09-01 13:45:00,60\n")
    (tmp_path / "occupancy_1.csv").write_text("timestamp,value\n2015-09-01 13:45:00,3.5\n")
    traffic = mapping(
        files=("*.csv",),
        time=TimeColumns(columns=("timestamp",)),
        time_zone="America/Chicago",
        device="nab {file}",
        values=(
            ValueColumn(column="speed_*/value", to="speed", unit="km/h", scale=1.609344),
            ValueColumn(column="occupancy_*/value", to="occupancy", unit="/"),
        ),
    )
    rows = list(Recording(mapping=traffic, data=tmp_path).rows())
    assert [(row.thing, row.cells) for row in rows] == [
        ("nab-occupancy_1", ((1, 3.5),)),
        ("nab-speed_1", ((0, pytest.approx(96.56064)),)),
    ]


def test_files_deeper_down_are_found_by_their_name(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    written(tmp_path / "deep")
    assert Recording(mapping=mapping(files=("elsewhere/counts.csv",)), data=tmp_path).paths() == [
        tmp_path / "deep" / "counts.csv"
    ]


def test_senml_lines_are_read_as_packs_or_single_records(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text(
        '[{"bn":"hp-ch4-1/","bt":1767225600,"n":"ch4","u":"ppm","v":50},{"n":"ch4","t":10,"v":60}]\n'
        '{"n":"hp-lift-1/lift_fault","t":1767225605,"vb":true}\n'
        '{"n":"hp-lift-1/unknown","t":1767225605,"v":1}\n'
        '{"n":"hp-ch4-1/ch4","t":-5,"v":1}\n'
        "nonsense\n\n"
    )
    values = (ValueColumn(column="ch4", to="ch4", unit="ppm"), ValueColumn(column="lift_fault", to="lift_fault"))
    lines = mapping(files=("log.jsonl",), device="r-{device}", values=values)
    tally = Tally()
    rows = list(Recording(mapping=lines, data=tmp_path).rows(tally))
    assert [(row.time_ns // 10**9, row.thing, row.cells) for row in rows] == [
        (1_767_225_600, "r-hp-ch4-1", ((0, 50.0),)),
        (1_767_225_610, "r-hp-ch4-1", ((0, 60.0),)),
        (1_767_225_605, "r-hp-lift-1", ((1, True),)),
    ]
    assert (tally.rows, tally.events, tally.unreadable) == (5, 3, 2)
