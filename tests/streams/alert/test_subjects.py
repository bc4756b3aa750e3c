"""The subjects of one alert."""

from __future__ import annotations

from schemas.anomalies import Evidence
from streams.alert.grouping import Sign
from streams.alert.subjects import MAX_OPEN, MAX_SUBJECTS, AlertedSubject, make_room


def _sign(time_ns: int, level: int = 1, evidence: tuple[Evidence, ...] = ()) -> Sign:
    return Sign(
        kind="range",
        time_ns=time_ns,
        level=level,
        quality=0.9,
        is_boolean=False,
        quantity=None,
        value=None,
        expected=None,
        evidence=evidence,
    )


def _subject(since_ns: int = 0, *, is_active: bool = True) -> AlertedSubject:
    subject = AlertedSubject(since_ns=since_ns, anomaly_id="a", quality=0.9)
    if is_active:
        subject.take("a", _sign(since_ns))
    return subject


def test_a_subject_shows_its_worst_anomaly() -> None:
    subject = _subject()
    subject.take("b", _sign(1, level=3))
    subject.take("c", _sign(2, level=3))
    assert (subject.anomaly_id, subject.level, subject.since_ns) == ("b", 3, 0)
    assert subject.clear("b", 5, 0.9, ())
    assert subject.clear("c", 6, 0.9, ())
    assert (subject.anomaly_id, subject.level) == ("a", 1)


def test_clearing_what_is_not_open_changes_nothing() -> None:
    subject = _subject()
    assert not subject.clear("b", 5, 0.9, ())
    assert subject.is_active


def test_a_dead_subject_is_neither_active_nor_verified() -> None:
    subject = _subject(is_active=False)
    assert (subject.state, subject.is_verified) == ("clear", True)
    subject.is_dead = True
    assert (subject.state, subject.is_verified) == ("dead", False)


def test_open_anomalies_are_bounded() -> None:
    subject = _subject()
    for place in range(2 * MAX_OPEN):
        subject.take(f"a{place}", _sign(place))
    assert len(subject.open) == MAX_OPEN


def test_subjects_are_bounded_and_the_longest_clear_one_goes_first() -> None:
    subjects = {f"s{place}": _subject(place) for place in range(MAX_SUBJECTS)}
    subjects["clear-2"] = _subject(7, is_active=False)
    subjects["clear-1"] = _subject(5, is_active=False)
    make_room(subjects)
    make_room(subjects)
    assert "clear-1" not in subjects
    assert "clear-2" not in subjects
    assert len(subjects) == MAX_SUBJECTS
