"""What people's actions do to the alerts of their district."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.actions import Action, Matcher
from schemas.ids import district_of
from schemas.refusals import Reason, RefusedError
from schemas.times import parse_time
from streams.alert.inhibition import Inhibition, Window, is_within, window_of
from streams.alert.lifecycle import AlertLife


def check_action(action: Action, key: bytes | None) -> None:
    """Check what an action says by itself, before it waits for its time.

    Raises
    ------
    RefusedError
        ``no_key``, or ``bad_action`` with what is wrong.
    """
    if key is None:
        raise RefusedError(Reason.NO_KEY, "an action's key is its district")
    if key != action.district.encode():
        raise RefusedError(Reason.BAD_ACTION, f"the key is not the district {action.district!r}")
    if (action.alert_id is None) == (action.matcher is None):
        raise RefusedError(Reason.BAD_ACTION, "give either alert_id or matcher")
    if action.matcher is not None:
        _check_matcher(action, action.matcher)
    try:
        for time in (action.time, action.until):
            if time is not None:
                parse_time(time)
    except ValueError as error:
        raise RefusedError(Reason.BAD_ACTION, str(error)) from error


def take_action(action: Action, at: int, lives: Sequence[AlertLife], inhibition: Inhibition) -> list[AlertLife]:
    """Do what an action asks, at its effective time; return the alerts that readers see changed by it alone.

    ``lives`` are the district's open alerts. What a window then hides or shows is for the caller to judge.

    Raises
    ------
    RefusedError
        ``bad_action``: there is nothing that it could be about, or its end is over.
    """
    meant = _meant(action, lives)
    match action.action:
        case "acknowledge":
            _require(bool(meant), "no open alert to acknowledge")
            return [life for life in meant if life.acknowledge(action.by)]
        case "shelve":
            _require(bool(meant), "no open alert to shelve")
            inhibition.open([window_of(action, "shelve", at, life.key) for life in meant])
        case "silence" | "maintenance" as kind:
            keys = [None] if action.alert_id is None else [life.key for life in meant]
            _require(bool(keys), f"no open alert {action.alert_id}")
            inhibition.open([window_of(action, kind, at, key) for key in keys])
        case "unshelve":
            _require(inhibition.close(lambda window: _ends_shelf(action, window, meant)), "no shelf to end")
        case "end":
            is_meant = inhibition.close(lambda window: _ends_window(action, window, meant))
            _require(is_meant, "no silence or maintenance to end")
    return []


def _meant(action: Action, lives: Sequence[AlertLife]) -> list[AlertLife]:
    if action.alert_id is not None:
        return [life for life in lives if life.key.alert_id(life.episode) == action.alert_id]
    return [life for life in lives if action.matcher is not None and _matches(action.matcher, life)]


def _matches(matcher: Matcher, life: AlertLife) -> bool:
    return (
        matcher.scenario in (None, life.key.scenario)
        and (matcher.unit_id is None or is_within(life.key.unit_id, matcher.unit_id))
        and (matcher.subject in (None, life.key.subject) or matcher.subject in life.subjects)
    )


def _ends_shelf(action: Action, window: Window, meant: Sequence[AlertLife]) -> bool:
    if window.kind != "shelve" or window.district != action.district or window.key is None:
        return False
    if any(life.key == window.key for life in meant):
        return True
    # A shelf outlives its alert: by the matcher it can be ended all the same.
    matcher = action.matcher
    return (
        matcher is not None
        and matcher.scenario in (None, window.key.scenario)
        and (matcher.unit_id is None or is_within(window.key.unit_id, matcher.unit_id))
        and matcher.subject in (None, window.key.subject)
    )


def _ends_window(action: Action, window: Window, meant: Sequence[AlertLife]) -> bool:
    if window.kind == "shelve" or window.district != action.district:
        return False
    if action.matcher is None:
        return any(window.covers(life.key, name) for life in meant for name in life.subjects)
    matcher = action.matcher
    says = (matcher.scenario, matcher.unit_id, matcher.subject)
    return window.key is None and (window.scenario, window.unit_id, window.subject) == says


def _check_matcher(action: Action, matcher: Matcher) -> None:
    if matcher == Matcher():
        raise RefusedError(Reason.BAD_ACTION, "an empty matcher would match all: name a scenario, a unit or a subject")
    if matcher.unit_id is not None and district_of(matcher.unit_id) != action.district:
        raise RefusedError(Reason.BAD_ACTION, f"unit {matcher.unit_id} is not of the district {action.district}")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise RefusedError(Reason.BAD_ACTION, otherwise)
