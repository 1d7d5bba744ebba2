"""Times in buckets, each at most 1/128 of its time wide: those of HdrHistogram with two significant digits."""

from __future__ import annotations

from collections.abc import Mapping

_BITS = 8  # of a time that its bucket keeps


def bucket(time_ns: int) -> int:
    """Return the shortest time of the bucket of a time."""
    shift = max(0, time_ns.bit_length() - _BITS)
    return time_ns >> shift << shift


def longest(bucket_ns: int) -> int:
    """Return the longest time of a bucket."""
    return bucket_ns + (1 << max(0, bucket_ns.bit_length() - _BITS)) - 1


def percentile(counts: Mapping[int, int], percent: float) -> int:
    """Return a time that so many percent of those in the buckets did not take longer than; at most 1/128 too long."""
    due = sum(counts.values()) * percent / 100
    for each in sorted(counts):
        due -= counts[each]
        if due <= 0:
            break
    return longest(each)
