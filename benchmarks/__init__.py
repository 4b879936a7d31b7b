"""Benchmarks: each prints a ratio against a reference, run alternately.

Absolute times depend on the machine; the ratio of the minima of five interleaved runs does not,
much. ``make bench`` runs all of them; ``python -m benchmarks NAME …`` some. ``references`` has no
ratio: it compares the figures of random problems with those of other libraries, and lists what
differs.
"""
