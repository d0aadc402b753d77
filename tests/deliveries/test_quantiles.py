import pytest

from deliveries.quantiles import quantile
from deliveries.traffic import BOUNDS_MS

NOTHING = [0] * (len(BOUNDS_MS) + 1)


def histogram(**numbers: int) -> list[int]:
    """`up_to_25=2`: two that took 25 ms at most, and more than the bound before."""
    names = [f"up_to_{bound}" for bound in BOUNDS_MS] + ["more"]
    assert set(numbers) <= set(names)
    return [numbers.get(name, 0) for name in names]


def test_the_bounds_go_from_2_ms_to_an_hour() -> None:
    assert (BOUNDS_MS[0], BOUNDS_MS[-1], len(BOUNDS_MS)) == (2, 3_600_000, 24)
    assert list(BOUNDS_MS) == sorted(set(BOUNDS_MS))


def test_of_nothing_there_is_none() -> None:
    assert quantile(NOTHING, 0.5) is None


@pytest.mark.parametrize(
    ("share", "milliseconds"), [(0.0, 100.0), (0.25, 112.5), (0.5, 125.0), (0.95, 147.5), (1.0, 150.0)]
)
def test_within_a_bucket_it_goes_by_the_share(share: float, milliseconds: float) -> None:
    assert quantile(histogram(up_to_150=8), share) == milliseconds


def test_it_is_in_the_bucket_where_the_share_is_reached() -> None:
    spread = histogram(up_to_2=50, up_to_600=40, up_to_1000=10)
    assert [quantile(spread, share) for share in (0.5, 0.51, 0.9, 0.95)] == [2.0, 405.0, 600.0, 800.0]


def test_beyond_the_last_bound_it_is_that_bound() -> None:
    assert quantile(histogram(up_to_2=1, more=9), 0.5) == 3_600_000.0
