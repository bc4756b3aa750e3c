"""The balance for people: a table, and one line that says what it comes to."""

from __future__ import annotations

import msgspec

from streams.store.balance import Balance

_VERDICTS = {
    "closed": "closed: every row is accounted for",
    "open": "OPEN: rows are missing or counted twice",
    "lagging": "lagging: rows are still on their way",
}


def balance_text(balance: Balance) -> str:
    """Return the table, a line of totals, the problems and the verdict."""
    rows = [msgspec.to_builtins(row) for row in balance.by_partition]
    if not rows:
        return "no source has had a record yet\n" + _VERDICTS[balance.status]
    names = list(rows[0])
    numbers = names[2:]
    total = {name: sum(row[name] for row in rows) for name in numbers} | {"topic": "all", "partition": ""}
    table = [names, *([str(row[name]) for name in names] for row in (*rows, total))]
    widths = [max(len(line[place]) for line in table) for place in range(len(names))]
    lines = [
        "  ".join(cell.ljust(width) if not place else cell.rjust(width) for place, (cell, width) in enumerate(cells))
        for cells in (list(zip(line, widths, strict=True)) for line in table)
    ]
    return "\n".join([*lines, *balance.problems, _VERDICTS[balance.status]])
