"""Write the dashboards: ``python -m streams.grafana deploy/grafana/dashboards [CATALOGUE]``."""

import sys
from pathlib import Path

from streams.catalogue.files import load_catalogue
from streams.grafana.boards import BOARDS, as_json, dashboard


def main(folder: str, *catalogue: str) -> None:
    """Write one file a board into ``folder``."""
    found = load_catalogue(*map(Path, catalogue))
    for board in BOARDS:
        Path(folder, f"{board.uid}.json").write_text(as_json(dashboard(board, found)), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
