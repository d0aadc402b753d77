"""Quantiles of a histogram of milliseconds, as `traffic.BOUNDS_MS` divides them."""

from collections.abc import Sequence

from deliveries.traffic import BOUNDS_MS


def quantile(histogram: Sequence[int], share: float) -> float | None:
    """The milliseconds that this share took at most; None of nothing.

    Within a bucket they are taken to be spread evenly. Beyond the last bound nothing is known but that it was more.
    """
    rank, below = share * sum(histogram), 0
    for number, low, high in zip(histogram, (0, *BOUNDS_MS), BOUNDS_MS, strict=False):
        if number and below + number >= rank:
            return round(low + (high - low) * (rank - below) / number, 1)
        below += number
    return float(BOUNDS_MS[-1]) if sum(histogram) else None
