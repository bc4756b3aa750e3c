"""All alerts of one partition as the log has settled them: moved strictly in event-time order, never at arrival."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping

import msgspec

from schemas.actions import Action
from schemas.alerts import Alert
from schemas.anomalies import Anomaly
from schemas.catalogue import Catalogue, Scenario
from schemas.ids import district_of
from schemas.registry import Unit
from schemas.rules import Name
from streams.alert.actions import take_action
from streams.alert.blocks import BUCKETS, bucket_of, decode_block, encode_block
from streams.alert.damping import Flaps, forget
from streams.alert.grouping import AlertKey, key_of
from streams.alert.inhibition import Inhibition, Window
from streams.alert.lifecycle import AlertLife, Timing
from streams.alert.message import Wording, tell, tell_provisionally
from streams.delivery.records import StateFormatError
from streams.pace import Pace

WINDOWS_BLOCK = "inhibition"
BLOCKS = {f"alerts-{bucket:02d}": bucket for bucket in range(BUCKETS)}


class AlertsBlock(msgspec.Struct, kw_only=True):
    """One block: the open alerts of its keys, how often each of its keys has ended, and which came back of late."""

    lives: list[AlertLife]
    episodes: dict[int, int]  # by AlertKey.digest
    flaps: dict[int, Flaps] = msgspec.field(default_factory=dict)  # the same, in the order in which they ended


class SettledAlerts:
    """The open alerts, their clocks and what suppresses them; every change is returned as the alert to publish."""

    def __init__(self, catalogue: Catalogue, pace: Pace, units: Mapping[str, Unit]) -> None:
        self._catalogue, self._pace, self._units = catalogue, pace, units
        self._lives: dict[str, AlertLife] = {}  # by AlertKey.text
        self._episodes: list[dict[int, int]] = [{} for _ in range(BUCKETS)]
        self._flaps: list[dict[int, Flaps]] = [{} for _ in range(BUCKETS)]
        self._inhibition = Inhibition()
        self._clocks: list[tuple[int, str]] = []  # heap of (deadline, key); entries that have moved are skipped
        self._timings: dict[str, Timing] = {}
        self._dirty: set[int] = set()

    def use_catalogue(self, catalogue: Catalogue) -> None:
        """Settle by another catalogue from now on; deadlines are those of the new clocks."""
        self._catalogue, self._timings = catalogue, {}
        for life in self._open():
            self._wind(life)

    def is_known(self, anomaly: Anomaly) -> bool:
        """Whether an anomaly can belong to an alert at all."""
        return anomaly.scenario is not None and anomaly.scenario in self._catalogue.scenarios

    def key_of(self, anomaly: Anomaly) -> AlertKey:
        """Return the key of a known anomaly's alert."""
        assert anomaly.scenario is not None
        return key_of(anomaly, self._scenario(anomaly.scenario))

    def at_arrival(self, anomaly: Anomaly, at: int) -> Alert | None:
        """Return the provisional raise of a known anomaly's alert, or ``None`` where there is nothing to say yet.

        Nothing is said of what is open or waits for its on-delay, of what a window hides, of a suspect sensor's word.
        """
        key = self.key_of(anomaly)
        if key.text in self._lives or self._inhibition.hides_at_once(key, anomaly.subject):
            return None
        life = self._new_life(key)
        if not life.observe(anomaly, self._timing(key), is_boolean=self._is_boolean(anomaly)):
            return None
        return None if life.certainty == "Unlikely" else tell_provisionally(life, at, self._wording(key))

    def take_anomaly(self, anomaly: Anomaly, at: int) -> list[Alert]:
        """Take one phase of a known anomaly, in order."""
        key = self.key_of(anomaly)
        life = self._lives.get(key.text)
        if life is None:
            if anomaly.phase == "clear":
                return []
            life = self._new_life(key)
        is_changed = life.observe(anomaly, self._timing(key), is_boolean=self._is_boolean(anomaly))
        if not life.count:
            return []
        self._lives[key.text] = life
        self._dirty.add(bucket_of(key.text))
        return self._follow([life] if is_changed else [], at, touched=[life])

    def take_action(self, action: Action, at: int) -> list[Alert]:
        """Take a person's action, in order; ``RefusedError`` where it fits nothing."""
        lives = [life for life in self._open() if district_of(life.key.unit_id) == action.district]
        changed = take_action(action, at, lives, self._inhibition)
        return self._follow(changed, at, touched=self._open())

    def next_deadline(self) -> int | None:
        """Return when the next clock runs out, of an alert or of a window."""
        while self._clocks and not self._is_due(*self._clocks[0]):
            heapq.heappop(self._clocks)
        ends = self._inhibition.next_end()
        first = self._clocks[0][0] if self._clocks else None
        return min((at for at in (first, ends) if at is not None), default=None)

    def fire(self, at: int) -> list[Alert]:
        """Let all clocks that run out at ``at``, the next deadline, strike: alerts first, in order of their keys."""
        told: list[Alert] = []
        while self._clocks and self._clocks[0][0] <= at:
            deadline, text = heapq.heappop(self._clocks)
            if self._is_due(deadline, text):
                life = self._lives[text]
                self._dirty.add(bucket_of(text))
                is_changed = life.fire(at, self._timing(life.key))
                told += self._follow([life] if is_changed else [], at, touched=[life])
        if (ends := self._inhibition.next_end()) is not None and ends <= at:
            self._inhibition.expire(at)
            told += self._follow([], at, touched=self._open())
        return told

    def blocks(self, changed_only: bool) -> dict[str, bytes]:
        """Return the blocks by name; with ``changed_only`` those that changed since the last such call."""
        held: dict[int, AlertsBlock] = {}
        for bucket in sorted(self._dirty) if changed_only else BLOCKS.values():
            episodes = dict(sorted(self._episodes[bucket].items()))
            held[bucket] = AlertsBlock(lives=[], episodes=episodes, flaps=self._flaps[bucket])
        for life in self._open():
            if (block := held.get(bucket_of(life.key.text))) is not None:
                block.lives.append(life)
        found = {name: encode_block(held[bucket]) for name, bucket in BLOCKS.items() if bucket in held}
        if not changed_only or self._inhibition.is_dirty:
            found[WINDOWS_BLOCK] = encode_block(self._inhibition.windows)
        if changed_only:
            self.settle_down()
        return found

    def restore(self, name: str, raw: bytes) -> None:
        """Take what one block holds."""
        if name == WINDOWS_BLOCK:
            self._inhibition.windows = decode_block(raw, list[Window])
            return
        bucket = BLOCKS.get(name)
        if bucket is None:
            raise StateFormatError(f"unknown block of alert state: {name}")
        block = decode_block(raw, AlertsBlock)
        self._episodes[bucket], self._flaps[bucket] = block.episodes, block.flaps
        for life in block.lives:
            self._lives[life.key.text] = life
            self._wind(life)

    def settle_down(self) -> None:
        """Count all as saved."""
        self._dirty, self._inhibition.is_dirty = set(), False

    def _follow(self, changed: Iterable[AlertLife], at: int, touched: list[AlertLife]) -> list[Alert]:
        """Judge anew what hides the touched alerts and those that they mute; tell all that changed, by key."""
        seen = {life.key.text: life for life in changed}
        muted = self._inhibition.echoes(life.key.scenario for life in touched)
        echoes = [life for life in self._open() if life.key.scenario in muted] if muted else []
        judged = {life.key.text: life for life in (*touched, *echoes)}
        for text, life in sorted(judged.items(), key=lambda item: (self._can_be_muted(item[1]), item[0])):
            before = life.suppressed
            if life.suppress(self._inhibition.suppression(life, self._lives.values()), at):
                seen[text] = life
            if text in seen or life.suppressed != before:
                self._dirty.add(bucket_of(text))
        told = [tell(life, at, self._wording(life.key)) for _, life in sorted(seen.items())]
        for life in judged.values():
            self._keep_or_forget(life, at)
        return told

    def _can_be_muted(self, life: AlertLife) -> bool:
        return self._inhibition.can_be_muted(life.key.scenario)

    def _keep_or_forget(self, life: AlertLife, at: int) -> None:
        text = life.key.text
        if not life.is_over:
            self._wind(life)
        elif self._lives.pop(text, None) is not None and life.sent_ns is not None:
            counts = self._episodes[bucket_of(text)]
            counts[life.key.digest] = life.episode + 1
            self._remember(life, at)

    def _remember(self, life: AlertLife, at: int) -> None:
        remembered = self._flaps[bucket_of(life.key.text)]
        if life.flaps is not None:
            remembered.pop(life.key.digest, None)
            remembered[life.key.digest] = life.flaps
        forget(remembered, at)

    def _wind(self, life: AlertLife) -> None:
        if (deadline := life.deadline(self._timing(life.key))) is not None:
            heapq.heappush(self._clocks, (deadline, life.key.text))

    def _is_due(self, deadline: int, text: str) -> bool:
        life = self._lives.get(text)
        return life is not None and life.deadline(self._timing(life.key)) == deadline

    def _open(self) -> list[AlertLife]:
        return [life for _, life in sorted(self._lives.items())]

    def _new_life(self, key: AlertKey) -> AlertLife:
        bucket = bucket_of(key.text)
        episode, flaps = self._episodes[bucket].get(key.digest, 0), self._flaps[bucket].get(key.digest)
        return AlertLife(key=key, episode=episode, flaps=flaps)

    def _is_boolean(self, anomaly: Anomaly) -> bool:
        quantity = self._catalogue.quantities.get(anomaly.quantity or "")
        return quantity is not None and quantity.boolean

    def _wording(self, key: AlertKey) -> Wording:
        return Wording.of(self._scenario(key.scenario), key.unit_id, self._units.get(key.unit_id))

    def _timing(self, key: AlertKey) -> Timing:
        timing = self._timings.get(key.scenario)
        if timing is None:
            timing = self._timings[key.scenario] = Timing.of(self._scenario(key.scenario), self._pace)
        return timing

    def _scenario(self, scenario_id: str) -> Scenario:
        """Return the catalogue's scenario; one that was taken out while an alert was open is told by its id."""
        found = self._catalogue.scenarios.get(scenario_id)
        return found if found is not None else _withdrawn(scenario_id)


def _withdrawn(scenario_id: str) -> Scenario:
    return Scenario(
        id=scenario_id,
        name=Name(zh=scenario_id, en=scenario_id),
        unit_kinds=(),
        cap_category="Other",
        group_by="subject",
        settle_s=60,
        skills=("any",),
    )
