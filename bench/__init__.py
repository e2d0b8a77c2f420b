"""What Klingbot costs beside the least that it could cost, measured side by side. `make bench` runs it.

`docs/benchmarks.md` says what is measured, why, and what came out.
"""
