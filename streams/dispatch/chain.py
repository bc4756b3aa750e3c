"""A case as a duty officer reads it: what it is, each step, and the causal chain from the first reading to the last."""

from __future__ import annotations

from datetime import UTC, datetime

from schemas.orders import Link, Order, StepEntry
from schemas.times import SECOND_NS, SHANGHAI, parse_time

_NAMES = {
    "registered": "登记 registered",
    "verified": "核实 verified",
    "filed": "立案 filed",
    "dispatched": "派遣 dispatched",
    "accepted": "接单 accepted",
    "handling": "处置 handling",
    "handled": "反馈 handled",
    "checked": "核查 checked",
    "closed": "结案 closed",
    "rejected": "不予立案 rejected",
    "merged": "并案 merged",
    "reopened": "重启 reopened",
}
_MARKS = {"verification": "✓"}


def render_case(order: Order) -> str:
    """Return a case as terminal text: head, steps and causal chain, with times of Asia/Shanghai."""
    lines = [*_head(order), "", "Steps"]
    lines += [_step(entry) for entry in order.steps]
    lines += ["", "Chain, from the first reading to the last"]
    lines += [_link(link) for link in order.chain]
    return "\n".join(lines) + "\n"


def local_time(time: str) -> str:
    """Return an event time as the clock on the wall in Shanghai, to the second."""
    seconds = parse_time(time) // SECOND_NS
    return datetime.fromtimestamp(seconds, UTC).astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def plain(text: str) -> str:
    """Return free text without line ends or control characters, which a terminal would obey."""
    return "".join(c if c.isprintable() else " " for c in text)


def _head(order: Order) -> list[str]:
    mode = "" if order.mode == "actual" else f"   [{order.mode}]"
    rows = [
        ("Unit", order.unit_id),
        ("State", f"{_NAMES[order.step]}, tier {order.tier}, {order.colour}"),
        ("Opened", local_time(order.opened)),
        ("Due", local_time(order.due) if order.due else "no clock runs"),
        ("Team", _team(order)),
        ("Alerts", ", ".join(order.alert_ids)),
        ("Reports", ", ".join(order.report_ids)),
        ("Caused by", order.causationid),
    ]
    head = f"Case {order.case_id}   {order.scenario}   version {order.version}{mode}"
    return [plain(head), *(f"  {name:<10}{plain(value)}" for name, value in rows if value)]


def _team(order: Order) -> str:
    if order.team_id is None:
        return "none yet" if order.order_id is None else f"none; the last order was {order.order_id}"
    return f"{order.team_id}, order {order.order_id}"


def _step(entry: StepEntry) -> str:
    note = f"   {entry.note}" if entry.note else ""
    name, english = _NAMES[entry.step].split(" ")
    # A Chinese character takes two columns: pad by the columns, not by the characters.
    padded = f"{name} {english}" + " " * max(1, 20 - 2 * len(name) - len(english))
    return plain(f"  {local_time(entry.time)}  {padded}{entry.tier:<12} by {entry.by}{note}")


def _link(link: Link) -> str:
    detail = f"   {link.detail}" if link.detail else ""
    mark = _MARKS.get(link.kind, " ")
    return plain(f"  {local_time(link.time)}  {mark} {link.kind:<13}{link.id}{detail}")
