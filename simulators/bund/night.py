"""How a night's official totals become people in each zone: a model, seeded, so all that it says is synthetic.

*People present.* A total of an interval counts everyone who was there at some time of it. With a mean stay of an hour
(an assumption), those who are present at once are the total over ``1 + interval / stay``.

*Zones.* People spread over ``WALKABLE_M2`` (an assumption: the embankment and the lanes closed to traffic, from
Waibaidu Bridge to Jinling Road), denser where there is more to see (``DRAW``, an assumption; the square is where one
stands to look across the river).

*The stair.* Visitors go up once and down once; this stair takes one fourteenth of them (an assumption). What it can
take comes from its width: 0.80 persons a metre and second (Weidmann 1993, stairs upwards), less 15% where two streams
meet (Fruin 1971). What comes beyond that queues, and packs the stair towards a jam of 5.4 persons a square metre
(Weidmann), the more the longer the queue. While nobody moves, those behind press on: 7.5 (Helbing et al. 2007 measured
up to 9 in Mina). In the control night the stair was one-way: only those who go up came by it.

None of these figures was chosen by looking at thresholds; those stand in the catalogue (``crowd-surge``) and come from
the crowd literature.

References
----------
U. Weidmann, "Transporttechnik der Fussgaenger", 1993. J. Fruin, "Pedestrian Planning and Design", 1971. D. Helbing,
A. Johansson, H. Al-Abideen, "Dynamics of crowd disasters", Phys. Rev. E 75, 2007.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from schemas import channels
from schemas.crowd import CrowdRow
from schemas.envelope import gateway_urn, write_envelope
from schemas.registry import Gateway, RegistryFile, Unit, Zone
from schemas.rows import encode_rows
from schemas.times import SECOND_NS, format_time
from simulators.bund.envelope import Night
from simulators.noise import normal, streams_of
from simulators.outgoing import Outgoing
from simulators.people import walking_speed_mps
from simulators.places import BUND, DISTRICT, gateway_of
from simulators.replay import Source

STAY_S = 3_600.0
WALKABLE_M2 = 130_000.0
DRAW = {"bund-chenyi-square": 2.5, "bund-nanjing-entrance": 1.6, "bund-huangpu-park": 0.8}
DRAW_ELSEWHERE = 1.2  # the viewing platforms
STAIR = "bund-chenyi-stairs"
STAIR_SHARE = 1 / 14
STAIR_FLOW_PMS = 0.80  # persons a metre and second
TWO_WAYS = 0.85
STAIR_SPEED_MPS = 0.61  # Weidmann: free, upwards
JAM_PER_M2 = 5.4
PRESSED_PER_M2 = 7.5
PACKING_QUEUE = 600.0  # persons: some four stairs full
PRESSING_S = 120.0
PERIOD_S = 60
NOISE = 0.03  # of a count
TURNOVER = 1.0 / STAY_S  # of those present a second


@dataclass(frozen=True, slots=True)
class Minute:
    """One zone in one minute."""

    present: int
    speed_mps: float


def bund_registry(units: Iterable[Unit]) -> RegistryFile:
    """Return those of the units that make up the Bund, and the gateway that speaks for them.

    Raises
    ------
    ValueError
        Its stair is in none of them.
    """
    found = tuple(unit for unit in units if unit.unit_id.startswith(f"{BUND}."))
    if not any(zone.zone_id == STAIR for unit in found for zone in unit.zones):
        raise ValueError(f"units.yaml has no zone {STAIR} in {BUND}: the night on the Bund is about it")
    return RegistryFile(units=found, gateways=(Gateway(gateway_id=gateway_of(BUND), districts=(DISTRICT,)),))


def present(night: Night, time_ns: int) -> float:
    """Return the persons in the scenic area at a time, linear between what is known of the night."""
    known: list[tuple[int, float]] = [(time, float(people)) for time, people in night.present] or [
        (
            (one.start_ns + one.end_ns) // 2,
            one.people / (1.0 + (one.end_ns - one.start_ns) / SECOND_NS / STAY_S),
        )
        for one in night.intervals
    ]
    if time_ns <= known[0][0]:
        return _line(known[0], known[1], time_ns)
    for before, after in pairwise(known):
        if time_ns <= after[0]:
            return _line(before, after, time_ns)
    return _line(known[-2], known[-1], time_ns)


def _line(a: tuple[int, float], b: tuple[int, float], time_ns: int) -> float:
    return max(0.0, a[1] + (b[1] - a[1]) * (time_ns - a[0]) / (b[0] - a[0]))


class Stair:
    """The stair minute by minute: how many want to go by it, how many can, and who waits."""

    def __init__(self, night: Night, zone: Zone) -> None:
        self._night, self._zone = night, zone
        self._width = zone.exits_m or math.sqrt(zone.area_m2)
        self._queue = 0.0

    def step(self, time_ns: int) -> float:
        """Let a period pass that ends at ``time_ns``; return the density at its end, persons a square metre."""
        ways = 1 if self._night.is_managed else 2
        wanted = present(self._night, time_ns) * TURNOVER * STAIR_SHARE * ways
        most = STAIR_FLOW_PMS * self._width * (1.0 if self._night.is_managed else TWO_WAYS)
        self._queue = max(0.0, self._queue + (wanted - most) * PERIOD_S)
        moving = min(wanted, most) / (self._width * STAIR_SPEED_MPS)
        density = moving + (JAM_PER_M2 - moving) * (1.0 - math.exp(-self._queue / PACKING_QUEUE))
        stall = self._night.stall
        if stall is None or time_ns <= stall[0]:
            return density
        pressed = 1.0 - math.exp(-(min(time_ns, stall[1]) - stall[0]) / SECOND_NS / PRESSING_S)
        if time_ns > stall[1]:  # people are led away
            pressed *= math.exp(-(time_ns - stall[1]) / SECOND_NS / (4 * PRESSING_S))
        return density + (PRESSED_PER_M2 - density) * pressed

    def speed_mps(self, density: float, time_ns: int) -> float:
        """Return the speed on the stair: as the diagram has it, slower by the stair, none while it stalls."""
        stall = self._night.stall
        if stall is not None and stall[0] < time_ns <= stall[1]:
            return 0.02
        return walking_speed_mps(density) * STAIR_SPEED_MPS / 1.34


def minutes(night: Night, units: Sequence[Unit], seed: int) -> Iterator[tuple[int, dict[str, Minute]]]:
    """Yield (end of the minute in ns, what each zone was like) over the whole night."""
    zones = [zone for unit in units for zone in unit.zones]
    stair = next(Stair(night, zone) for zone in zones if zone.zone_id == STAIR)
    streams = streams_of(seed, [f"{night.name} {zone.zone_id}" for zone in zones])
    for time_ns in range(night.start_ns + PERIOD_S * SECOND_NS, night.end_ns + 1, PERIOD_S * SECOND_NS):
        mean = present(night, time_ns) / WALKABLE_M2
        wobble = 1.0 + NOISE * normal(streams, time_ns // SECOND_NS, 3)
        on_stair = stair.step(time_ns)
        found = {}
        for zone, factor in zip(zones, wobble.tolist(), strict=True):
            is_stair = zone.zone_id == STAIR
            density = on_stair if is_stair else mean * DRAW.get(zone.zone_id, DRAW_ELSEWHERE)
            count = max(0, round(density * zone.area_m2 * factor))
            dense = count / zone.area_m2
            speed = stair.speed_mps(dense, time_ns) if is_stair else walking_speed_mps(dense)
            found[zone.zone_id] = Minute(count, speed)
        yield time_ns, found


def events(
    night: Night,
    units: Sequence[Unit],
    *,
    seed: int = 1,
    from_ns: int = 0,
    to_ns: int | None = None,
    shift_ns: int = 0,
) -> Iterator[Outgoing]:
    """Yield the night's crowd rows, a record a unit and minute, in order of time; all of mode ``exercise``."""
    before: dict[str, int] = {}
    for time_ns, zones in minutes(night, units, seed):
        for unit in units:
            rows = [_row(z, zones[z.zone_id], before.get(z.zone_id), time_ns + shift_ns) for z in unit.zones]
            if from_ns <= time_ns and (to_ns is None or time_ns < to_ns):
                yield _record(night, unit, rows, time_ns + shift_ns)
        before = {zone: minute.present for zone, minute in zones.items()}


def source_of(
    night: Night, known: Iterable[Unit], *, seed: int = 1, from_ns: int = 0, to_ns: int | None = None
) -> Source:
    """Return the night as a replay takes it, in those of the catalogue's units that make up the Bund."""
    registry = bund_registry(known)
    units = registry.units
    times = [t for t, _ in minutes(night, units, seed) if from_ns <= t and (to_ns is None or t < to_ns)]
    return Source(
        registry=registry,
        first_ns=times[0] if times else None,
        last_ns=times[-1] if times else None,
        rows=len(times) * sum(len(unit.zones) for unit in units),
        records=lambda shift_ns: events(night, units, seed=seed, from_ns=from_ns, to_ns=to_ns, shift_ns=shift_ns),
    )


def _row(zone: Zone, minute: Minute, before: int | None, time_ns: int) -> CrowdRow:
    old = minute.present if before is None else before
    turned = round(min(old, minute.present) * TURNOVER * PERIOD_S)
    return CrowdRow(
        zone_id=zone.zone_id,
        source="camera",
        time=format_time(time_ns),
        period_s=PERIOD_S,
        people_count=minute.present,
        people_in=turned + max(0, minute.present - old),
        people_out=turned + max(0, old - minute.present),
        mean_speed_mps=round(minute.speed_mps, 3),
        speed_variance_m2s2=round(0.01 + 0.06 * minute.speed_mps**2, 4),
    )


def _record(night: Night, unit: Unit, rows: list[CrowdRow], time_ns: int) -> Outgoing:
    headers = write_envelope(
        id=f"{night.name}-{unit.unit_id}-{time_ns}",
        source=gateway_urn(gateway_of(unit.unit_id)),
        type=channels.EVENT_TYPES[channels.CROWD],
        time_ns=time_ns,
        mode="exercise",
    )
    return Outgoing(
        topic=channels.CROWD,
        key=unit.unit_id.encode(),
        value=encode_rows(rows),
        headers=headers,
        rows=len(rows),
        time_ns=time_ns,
    )
