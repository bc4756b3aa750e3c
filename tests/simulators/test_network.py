import pytest

from simulators.network import PERFECT, NetworkFaults


def test_the_same_record_always_fares_the_same() -> None:
    faults = NetworkFaults(lost=0.3, delayed=0.3, doubled=0.3)
    assert [faults.fate(1, f"r{n}") for n in range(50)] == [faults.fate(1, f"r{n}") for n in range(50)]


def test_shares_are_kept() -> None:
    faults = NetworkFaults(lost=0.1, delayed=0.2, max_delay_s=1.5, doubled=0.05)
    fates = [faults.fate(1, f"r{n}") for n in range(20_000)]
    arrived = [fate for fate in fates if fate[1]]
    assert len(arrived) / len(fates) == pytest.approx(0.9, abs=0.01)
    assert sum(delay > 0 for delay, _ in arrived) / len(arrived) == pytest.approx(0.2, abs=0.01)
    assert sum(copies == 2 for _, copies in arrived) / len(arrived) == pytest.approx(0.05, abs=0.01)
    assert max(delay for delay, _ in arrived) < 1.5


def test_a_perfect_network_does_nothing() -> None:
    assert {PERFECT.fate(1, f"r{n}") for n in range(1_000)} == {(0.0, 1)}
