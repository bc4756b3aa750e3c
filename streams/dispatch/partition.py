"""Follow every wrong thing until a sensor shows that it has been put right: the pure stage, one partition.

Reads   vitals.alerts, vitals.feedback               (key: district)
Writes  vitals.orders, vitals.dead-letters
State   blocks ``cases-000`` to ``cases-255``, ``buffer-00`` to ``buffer-15``, ``clocks``

Alerts, feedback and timers are decided strictly in the order of (time, kind, id, version), up to the minimum of both
topics' watermarks; how far it moves at once changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from schemas import channels
from schemas.alerts import Alert
from schemas.catalogue import Catalogue
from schemas.dead_letters import dead_letter_headers
from schemas.envelope import write_envelope
from schemas.ids import district_of
from schemas.refusals import RefusedError
from schemas.registry import Team, Unit
from schemas.times import format_time
from streams.catalogue.timeline import Timeline
from streams.delivery.records import Effect, Record
from streams.dispatch import blocks as codec
from streams.dispatch import feedback, intake, ledger, verification
from streams.dispatch.alerts import CALLS, cause_of, follow, forget_at, key_of, open_case
from streams.dispatch.assignment import MAX_PULLS, Roster, assign, is_pullable, pull, urgency
from streams.dispatch.case import Case, raise_tier, send, take, to_order
from streams.dispatch.clocks import RUNS_AT, Terms, due_at, next_tier, overrun_note, terms_of
from streams.dispatch.intake import Clocks, Event, Heard, Intake
from streams.dispatch.ledger import DUE, FORGET, SETTLE, Ledger
from streams.pace import Pace

SOURCE = "urn:vitals:stage:dispatch"
_encoder = msgspec.json.Encoder()


class DispatchPartition:
    """All that dispatch knows of one partition number; a ``PartitionState``.

    Parameters
    ----------
    units, teams
        The registry by id, kept up to date by the edge; entries count from their ``valid_from``.
    """

    def __init__(
        self,
        partition: int,
        catalogue: Catalogue,
        pace: Pace,
        disorder_ns: int,
        units: Mapping[str, Unit],
        teams: Mapping[str, Team],
        *,
        timeline: Timeline | None = None,
    ) -> None:
        self._timeline = timeline
        self._partition = partition
        self._pace = pace
        self._roster = Roster(units=units, teams=teams)
        self._ledger = Ledger(self._roster)
        self._intake = Intake(partition, disorder_ns)
        self._touched: dict[str, Case] = {}  # by the event that is being decided
        self.use_catalogue(catalogue)

    def use_catalogue(self, catalogue: Catalogue) -> None:
        """Judge by another catalogue from the next decision on; clocks that run keep their deadline."""
        self._catalogue = catalogue
        self._terms: dict[str, Terms] = {}

    def fold(self, records: Sequence[Record]) -> list[Effect]:
        effects: list[Effect] = []
        for record in records:
            try:
                self._intake.take(record)
            except RefusedError as error:
                effects.append(_refused_record(record, error))
        effects += self._advance()
        self._sync_catalogue()  # what was decided so far was decided by the one before
        return effects

    def changed_blocks(self) -> dict[str, bytes]:
        changed = self._encoded(sorted(self._ledger.changed_blocks), sorted(self._intake.changed_blocks))
        self._ledger.changed_blocks.clear()
        self._intake.changed_blocks.clear()
        return changed

    def all_blocks(self) -> dict[str, bytes]:
        return self._encoded(range(ledger.CASE_BLOCKS), range(intake.BUFFER_BLOCKS))

    def restore(self, blocks: Mapping[str, bytes]) -> None:
        named = {name: block for name, block in sorted(blocks.items()) if block}
        cases = [codec.decode_cases(block) for name, block in named.items() if name.startswith("cases-")]
        events = [codec.decode_buffer(block) for name, block in named.items() if name.startswith("buffer-")]
        clocks = codec.decode_clocks(named[codec.CLOCKS]) if codec.CLOCKS in named else Clocks(alerts=0, feedback=0)
        self._intake.restore((event for block in events for event in block.events), clocks)
        self._ledger.restore(case for block in cases for case in block.cases)

    def watermark(self) -> int:
        """Return up to which event time (ns) all is decided."""
        return self._intake.watermark()

    def _encoded(self, case_blocks: Sequence[int], buffer_blocks: Sequence[int]) -> dict[str, bytes]:
        cases: dict[int, list[Case]] = {number: [] for number in case_blocks}
        for case_id, case in sorted(self._ledger.cases.items()):
            cases.get(ledger.block_of(case_id), []).append(case)
        events: dict[int, list[Event]] = {number: [] for number in buffer_blocks}
        for event in self._intake.events():
            events.get(intake.block_of(event), []).append(event)
        encoded = {codec.case_block(number): codec.encode_cases(members) for number, members in cases.items()}
        encoded |= {codec.buffer_block(number): codec.encode_buffer(members) for number, members in events.items()}
        return encoded | {codec.CLOCKS: codec.encode_clocks(self._intake.clocks())}

    # Decisions, one at a time, each at its own event time.

    def _sync_catalogue(self) -> None:
        if self._timeline is not None:
            catalogue = self._timeline.at(max(self._intake.watermark(), 0))
            if catalogue is not self._catalogue:
                self.use_catalogue(catalogue)

    def _advance(self) -> list[Effect]:
        effects: list[Effect] = []
        mark = self._intake.watermark()
        while True:
            event, timer = self._intake.head(), self._ledger.next_timer()
            if event is not None and (timer is None or event < timer[:2]):
                if event[0] >= mark:
                    return effects
                effects += self._decide(self._intake.pop())
            elif timer is not None and timer[0] < mark:
                effects += self._fire(*timer)
            else:
                return effects

    def _decide(self, event: Event) -> list[Effect]:
        if event.alert is not None:
            self._take_alert(event.alert, event.time_ns)
            return self._finish(event.time_ns, cause_of(event.alert))
        assert event.heard is not None
        refused = self._take_feedback(event.heard, event.time_ns)
        return refused + self._finish(event.time_ns, event.heard.id)

    def _take_alert(self, alert: Alert, now_ns: int) -> None:
        terms = self._terms_of(alert.scenario)
        case = self._ledger.of_alert(alert.alert_id, key_of(alert, terms))
        if case is None:
            if alert.state in CALLS:
                self._touch(open_case(alert, terms, now_ns), now_ns)
            return
        known = case.alerts.get(alert.alert_id)
        if known is None and alert.state not in CALLS:
            return  # what is shelved or inhibited from its beginning joins once it calls
        if known is not None and alert.version <= known.version:
            return
        if follow(case, alert, terms, now_ns):
            self._touch(case, now_ns)
            self._ledger.has_news = self._ledger.has_news or case.is_waiting
        else:
            self._keep(case, now_ns)

    def _take_feedback(self, heard: Heard, now_ns: int) -> list[Effect]:
        found = self._ledger.cases.get(feedback.case_of(heard.feedback.order_id))
        if found is not None and heard.copy_key in found.heard:
            return []  # sent twice
        try:
            case = feedback.check_fits(found, heard.feedback)
        except RefusedError as error:
            return [_refused_feedback(heard, error, now_ns)]
        feedback.apply(case, heard, self._terms_of(case.scenario), now_ns)
        self._touch(case, now_ns)
        return []

    def _fire(self, now_ns: int, kind: int, case_id: str) -> list[Effect]:
        case = self._ledger.cases[case_id]
        if kind == FORGET:
            self._ledger.drop(case)
            return []
        if kind == SETTLE:
            verification.close(case, now_ns, self._terms_of(case.scenario))
            self._touch(case, now_ns)
            return self._finish(now_ns, f"clock:settle:{format_time(now_ns)}")
        assert kind == DUE
        clock = RUNS_AT[case.step]
        self._overrun(case, now_ns)
        return self._finish(now_ns, f"clock:{clock}:{format_time(now_ns)}")

    def _overrun(self, case: Case, now_ns: int) -> None:
        """Escalate; at the city the case stays open, and its clock runs on without a word."""
        terms = self._terms_of(case.scenario)
        self._ledger.has_news = self._ledger.has_news or case.is_waiting
        tier = next_tier(case.tier)
        if tier is None:
            case.due_ns = due_at(case.step, now_ns, terms)
            case.excluded = []
            self._keep(case, now_ns)
            return
        raise_tier(case, tier, now_ns, terms, overrun_note(case.step, terms, has_team=case.team_id is not None))
        if case.step == "dispatched":
            self._replace(case, terms, now_ns)
        self._touch(case, now_ns)

    def _replace(self, case: Case, terms: Terms, now_ns: int) -> None:
        """Send another team in place of one that did not answer; without another it may still answer."""
        silent = case.team_id
        case.excluded = [silent] if silent is not None else []
        for _, team in self._pairs([case], now_ns):
            send(case, team.team_id, now_ns, terms, f"in place of {silent}")

    # Who goes.

    def _finish(self, now_ns: int, cause: str) -> list[Effect]:
        """Send teams where the decision made that possible, and tell what became of every case that it touched."""
        if self._ledger.has_news:
            self._send_free(now_ns)
            if self._pull_for_red(now_ns):
                self._send_free(now_ns)
            self._ledger.has_news = False
        effects = [self._published(self._touched[case_id], now_ns, cause) for case_id in sorted(self._touched)]
        self._touched = {}
        return effects

    def _send_free(self, now_ns: int) -> None:
        while pairs := self._pairs(self._ledger.waiting(), now_ns):
            for case, team in pairs:
                send(case, team.team_id, now_ns, self._terms_of(case.scenario), "")
                self._touch(case, now_ns)

    def _pairs(self, waiting: Sequence[Case], now_ns: int) -> list[tuple[Case, Team]]:
        terms = {case.scenario: self._terms_of(case.scenario) for case in waiting}
        return assign(waiting, terms, self._roster, now_ns)

    def _pull_for_red(self, now_ns: int) -> bool:
        reds = sorted((case for case in self._ledger.waiting() if case.colour == "red"), key=urgency)
        victims = [case for case in self._ledger.held() if is_pullable(case)] if reds else []
        pulled = False
        for case in reds[:MAX_PULLS] if victims else ():
            victim = pull(case, self._terms_of(case.scenario), victims, self._roster, now_ns)
            if victim is not None and victim.team_id is not None:
                victims.remove(victim)
                self._pull(case, victim, victim.team_id, now_ns)
                pulled = True
        return pulled

    def _pull(self, case: Case, victim: Case, team_id: str, now_ns: int) -> None:
        victim.team_id = None
        note = f"{team_id} was pulled to red case {case.case_id}"
        take(victim, "filed", now_ns, self._terms_of(victim.scenario), note=note)
        self._touch(victim, now_ns)
        send(case, team_id, now_ns, self._terms_of(case.scenario), f"pulled from blue case {victim.case_id}")
        self._touch(case, now_ns)

    def _touch(self, case: Case, now_ns: int) -> None:
        """Keep a case that readers must see anew."""
        self._touched[case.case_id] = case
        self._keep(case, now_ns)

    def _keep(self, case: Case, now_ns: int) -> None:
        settle = verification.settle_at(case, self._terms_of(case.scenario).settle_ns) if case.is_open else None
        case.settle_ns = None if settle is None else max(settle, now_ns)
        case.forget_ns = None if case.is_open else forget_at(case, now_ns)
        self._ledger.put(case)

    def _published(self, case: Case, now_ns: int, cause: str) -> Effect:
        case.version += 1
        case.causationid = cause
        return Effect(
            topic=channels.ORDERS,
            key=district_of(case.unit_id).encode(),
            value=_encoder.encode(to_order(case)),
            headers=write_envelope(
                id=f"{case.case_id}:{case.version}",
                source=SOURCE,
                type=channels.EVENT_TYPES[channels.ORDERS],
                time_ns=now_ns,
                mode=case.mode,
            ),
            partition=self._partition,
        )

    def _terms_of(self, scenario: str) -> Terms:
        if scenario not in self._terms:
            self._terms[scenario] = terms_of(self._catalogue, self._pace, scenario)
        return self._terms[scenario]


def _refused_record(record: Record, error: RefusedError) -> Effect:
    place = (record.topic, record.partition, record.offset)
    return _dead_letter(place, record.key, record.value, error, record.append_ns)


def _refused_feedback(heard: Heard, error: RefusedError, now_ns: int) -> Effect:
    place = (channels.FEEDBACK, heard.partition, heard.offset)
    return _dead_letter(place, heard.key, heard.raw, error, now_ns)


def _dead_letter(
    place: tuple[str, int, int], key: bytes | None, raw: bytes, error: RefusedError, time_ns: int
) -> Effect:
    topic, partition, offset = place
    headers = dead_letter_headers(
        topic=topic, partition=partition, offset=offset, reason=error.reason, detail=error.detail, time_ns=time_ns
    )
    return Effect(topic=channels.DEAD_LETTERS, key=key, value=raw, headers=headers)
