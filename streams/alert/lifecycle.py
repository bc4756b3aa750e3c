"""The life of one alert: the ISA-18.2 states, driven by its subjects' anomalies, by people and by clocks.

Beneath a suppression (shelved, suppressed by design, out of service) the life goes on unseen: it still clears, and it
still ends when the sensors have proven it.

Three decisions. *NORM needs proof*: an alert ends when all its subjects have been clear for the scenario's settle time,
acknowledged or not, since the sensor proved it; so an acknowledged alert stays ACKED until then, and an unacknowledged
one passes through RTNUN (after the off-delay) to NORM by itself. *What was hidden is announced anew*: leaving a
suppression an acknowledged alert is UNACK again (or RTNUN, if all is clear). *What flaps is held* (``damping``): it
neither returns nor ends until the hold is over, and is told at most once in ``TELL_S``, unless its state changes or it
gets worse; what was not told is told then.

References
----------
ANSI/ISA-18.2-2016, "Management of Alarm Systems for the Process Industries", figure 4 (alarm state transition diagram).
Differs from it in the three decisions above.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import msgspec

from schemas.alerts import AlertState, CapCertainty
from schemas.anomalies import Anomaly
from schemas.catalogue import Scenario
from schemas.times import parse_time
from streams.alert.damping import Flaps, returned
from streams.alert.grouping import AlertKey, Sign, certainty_of, kept_evidence, level_of
from streams.alert.subjects import AlertedSubject, make_room
from streams.pace import Pace

Suppression = Literal["SHLVD", "DSUPR", "OOSRV"]
SUPPRESSED: frozenset[AlertState] = frozenset(("SHLVD", "DSUPR", "OOSRV"))
MAX_CAUSES = 64
TELL_S = 60.0

# What may follow what; the stateful test holds the machine against it.
FOLLOWS: dict[AlertState, frozenset[AlertState]] = {
    "NORM": frozenset(("UNACK", *SUPPRESSED)),
    "UNACK": frozenset(("UNACK", "ACKED", "RTNUN", *SUPPRESSED)),
    "ACKED": frozenset(("ACKED", "NORM", *SUPPRESSED)),
    "RTNUN": frozenset(("RTNUN", "UNACK", "NORM", *SUPPRESSED)),
    "SHLVD": frozenset(("NORM", "UNACK", "RTNUN", *SUPPRESSED)),
    "DSUPR": frozenset(("NORM", "UNACK", "RTNUN", *SUPPRESSED)),
    "OOSRV": frozenset(("NORM", "UNACK", "RTNUN", *SUPPRESSED)),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """The clocks of a scenario's alerts, in ns of event time."""

    on_delay_ns: int = 0
    off_delay_ns: int = 0
    settle_ns: int
    acknowledge_ns: int
    flap_half_life_ns: int = 0  # 0: nothing is damped
    tell_ns: int = 0

    @classmethod
    def of(cls, scenario: Scenario, pace: Pace) -> Timing:
        """Return a scenario's clocks at a pace."""
        off_delay_ns = pace.clock_ns(scenario.off_delay_s)
        return cls(
            on_delay_ns=pace.clock_ns(scenario.on_delay_s),
            off_delay_ns=off_delay_ns,
            # Never before the off-delay: UNACK does not go to NORM without RTNUN between.
            settle_ns=max(pace.clock_ns(scenario.settle_s), off_delay_ns + 1),
            acknowledge_ns=pace.clock_ns(scenario.acknowledge_s),
            flap_half_life_ns=pace.clock_ns(scenario.flap_half_life_s),
            tell_ns=pace.clock_ns(TELL_S),
        )


class AlertLife(msgspec.Struct, kw_only=True):
    """One episode of one key, from its first anomaly until it is back at NORM. Every method is told the event time.

    The methods return whether readers would see a change. Fields ending in ``_ns`` are event times.
    """

    key: AlertKey
    episode: int
    base: AlertState = "NORM"  # beneath a suppression; NORM: waiting for the on-delay, or over
    suppressed: Suppression | None = None
    is_over: bool = False
    subjects: dict[str, AlertedSubject] = msgspec.field(default_factory=dict)
    onset_ns: int = 0
    first_ns: int = 0
    last_ns: int = 0
    count: int = 0  # onsets and updates
    level: int = 0  # while none is active: that of the last active ones
    certainty: CapCertainty = "Unknown"
    causes: list[str] = msgspec.field(default_factory=list)
    cleared_ns: int | None = None  # since when all are clear
    unacked_ns: int | None = None  # since when it waits, seen, for a person
    is_overdue: bool = False
    acknowledged_by: str | None = None
    version: int = 1  # the provisional raise, whether or not it was sent; what is settled begins with 2
    sent_ns: int | None = None  # of the newest settled version
    told_level: int = 0  # in that version; 0: none was active
    is_owed: bool = False  # readers do not know the newest yet
    flaps: Flaps | None = None

    @property
    def state(self) -> AlertState:
        """The state that readers see."""
        return self.suppressed if self.suppressed is not None and self.base != "NORM" else self.base

    @property
    def is_pending(self) -> bool:
        """Whether it has not been raised yet, and waits for its on-delay: nobody has seen it."""
        return self.base == "NORM" and not self.is_over

    @property
    def is_active(self) -> bool:
        return self.cleared_ns is None

    @property
    def held_until_ns(self) -> int:
        """The event time before which it does not end, for it flaps; 0 where it never did."""
        return 0 if self.flaps is None else self.flaps.until_ns

    def told(self, at: int) -> None:
        """Count a settled version that readers are told at ``at``."""
        self.version, self.sent_ns, self.is_owed = self.version + 1, at, False
        self.told_level = self.level if self.is_active else 0

    def observe(self, anomaly: Anomaly, timing: Timing, *, is_boolean: bool = False) -> bool:
        """Take one phase of an anomaly of this key."""
        at = parse_time(anomaly.time)
        if anomaly.phase == "clear":
            return self._clear(anomaly, at, timing)
        known = self.subjects.get(anomaly.subject)
        is_open = known is not None and anomaly.id in known.open
        if not is_open and level_of(anomaly.score, anomaly.quality) == 0:
            return False  # below the first colour nothing is wrong
        if not self.is_active:
            self._come_back(at, timing)
        self._activate(anomaly, at, is_boolean)
        if self.base == "RTNUN" or (self.is_pending and timing.on_delay_ns == 0):
            self._raise(at, timing)
        return not self.is_pending and self._is_news(at, timing)

    def acknowledge(self, by: str) -> bool:
        """Take a person's acknowledgement; a suppressed alert asks for none, a second one says nothing new."""
        if self.suppressed is not None or self.is_pending:
            return False
        if self.base == "UNACK":
            self.base = "ACKED"
        elif self.base == "RTNUN" or self._awaits_a_person():
            self._end()
        else:
            return False
        self.acknowledged_by, self.unacked_ns = by, None
        return True

    def suppress(self, suppression: Suppression | None, at: int) -> bool:
        """Enter, change or leave a suppression."""
        if suppression == self.suppressed:
            return False
        self.suppressed = suppression
        if self.is_pending or self.is_over:
            return False
        if suppression is not None:
            self.unacked_ns = None
            return True
        if self.base == "ACKED":
            self.base = "UNACK" if self.is_active or at < self.held_until_ns else "RTNUN"
            self.acknowledged_by = None
        self.unacked_ns = at if self.base == "UNACK" else None
        return True

    def deadline(self, timing: Timing) -> int | None:
        """Return when the next clock runs out; it fires once the watermark is past it."""
        return min(self._deadlines(timing), default=None)

    def fire(self, at: int, timing: Timing) -> bool:
        """Let every clock that has run out at ``at`` strike."""
        before = self.state
        if self.is_pending and self.count and at >= self.first_ns + timing.on_delay_ns:
            self._raise(at, timing)
        is_told = (owed_ns := self._owed_ns(timing)) is not None and at >= owed_ns
        if (returns_ns := self._returns_ns(timing)) is not None and at >= returns_ns:
            self._return()
        if (ends_ns := self._ends_ns(timing)) is not None and at >= ends_ns:
            self._end()
        is_late = self.unacked_ns is not None and at >= self.unacked_ns + timing.acknowledge_ns
        if is_late and not self.is_overdue:
            self.is_overdue = True
            return True
        return is_told or self.state != before

    def _activate(self, anomaly: Anomaly, at: int, is_boolean: bool) -> None:
        sign = Sign(
            kind=anomaly.kind,
            time_ns=at,
            level=max(level_of(anomaly.score, anomaly.quality), 1),
            quality=anomaly.quality,
            is_boolean=is_boolean,
            quantity=anomaly.quantity,
            value=anomaly.value,
            expected=anomaly.expected,
            evidence=kept_evidence(anomaly.evidence),
        )
        if not self.count:
            self.first_ns, self.onset_ns = at, parse_time(anomaly.onset)
        subject = self.subjects.get(anomaly.subject)
        if subject is None:
            subject = AlertedSubject(since_ns=at, anomaly_id=anomaly.id, quality=anomaly.quality)
            self.subjects[anomaly.subject] = subject
        subject.take(anomaly.id, sign)
        make_room(self.subjects)
        self.onset_ns = min(self.onset_ns, parse_time(anomaly.onset))
        self.last_ns, self.cleared_ns = at, None
        self.count += 1
        if anomaly.id not in self.causes and len(self.causes) < MAX_CAUSES:
            self.causes.append(anomaly.id)
        self._judge()

    def _clear(self, anomaly: Anomaly, at: int, timing: Timing) -> bool:
        subject = self.subjects.get(anomaly.subject)
        if subject is None or not subject.clear(anomaly.id, at, anomaly.quality, anomaly.evidence):
            return False
        if any(other.is_active for other in self.subjects.values()):
            self._judge()
            return not self.is_pending and self._is_news(at, timing)
        self.cleared_ns = at
        if self.is_pending:
            self.is_over = True  # gone before its on-delay: nobody saw it
            return False
        if self.base == "UNACK" and timing.off_delay_ns == 0 and at >= self.held_until_ns:
            self._return()
        return self._is_news(at, timing)

    def _judge(self) -> None:
        active = [subject for subject in self.subjects.values() if subject.is_active]
        self.level = max(subject.level for subject in active)
        self.certainty = certainty_of([subject.open.values() for subject in active])

    def _come_back(self, at: int, timing: Timing) -> None:
        if timing.flap_half_life_ns:
            self.flaps = returned(self.flaps, at, timing.flap_half_life_ns)

    def _is_news(self, at: int, timing: Timing) -> bool:
        """Whether readers are told at once; if not, they are owed it."""
        # Worse than what they know: of what they know as clear, any raise is. A new state is always one of these.
        is_worse = self.is_active and self.level > self.told_level
        is_held = at < self.held_until_ns
        if not is_held or is_worse or self.sent_ns is None or at >= self.sent_ns + timing.tell_ns:
            return True
        self.is_owed = True
        return False

    def _raise(self, at: int, timing: Timing) -> None:
        if self.is_pending and self.episode:
            self._come_back(at, timing)
        self.base = "UNACK"
        self.unacked_ns = at if self.suppressed is None else None

    def _return(self) -> None:
        self.base, self.unacked_ns = "RTNUN", None

    def _end(self) -> None:
        self.base, self.unacked_ns, self.is_over = "NORM", None, True

    def _is_verified(self) -> bool:
        return not self.is_active and all(subject.is_verified for subject in self.subjects.values())

    def _awaits_a_person(self) -> bool:
        """Whether all is clear by a suspect sensor's word: then no clock ends it, a person must."""
        return not self.is_active and not self._is_verified()

    def _returns_ns(self, timing: Timing) -> int | None:
        if self.cleared_ns is None or self.base != "UNACK":
            return None
        return max(self.cleared_ns + timing.off_delay_ns, self.held_until_ns)

    def _ends_ns(self, timing: Timing) -> int | None:
        if self.cleared_ns is None or not self._is_verified():
            return None
        return max(self.cleared_ns + timing.settle_ns, self.held_until_ns + 1)  # RTNUN comes first

    def _owed_ns(self, timing: Timing) -> int | None:
        return self.sent_ns + timing.tell_ns if self.is_owed and self.sent_ns is not None else None

    def _deadlines(self, timing: Timing) -> Iterator[int]:
        if self.is_over or not self.count:
            return
        if self.is_pending:
            yield self.first_ns + timing.on_delay_ns
            return
        for clock_ns in (self._returns_ns(timing), self._ends_ns(timing), self._owed_ns(timing)):
            if clock_ns is not None:
                yield clock_ns
        if self.unacked_ns is not None and not self.is_overdue:
            yield self.unacked_ns + timing.acknowledge_ns
