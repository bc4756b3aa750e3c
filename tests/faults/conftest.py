"""How much of each fault a run gives, and what it tells of it."""

from collections.abc import Callable

import pytest

from tests.conftest import FIGURES
from tests.faults.scale import SHORT, Scale, scale_of_run


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out of a short run what is marked ``full``; pytest counts it as deselected."""
    if scale_of_run() is SHORT and (left_out := [item for item in items if item.get_closest_marker("full")]):
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture
def scale() -> Scale:
    """How many kills, how long the outages: by VITALS_FAULTS=short|normal|long."""
    return scale_of_run()


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Tell at the end of the run what a fault cost: events, kills, replays, lost, doubled, seconds to lag 0."""

    def show(**counted: object) -> None:
        line = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in counted.items())
        request.node.user_properties.append((FIGURES, line))

    return show
