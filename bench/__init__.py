"""Speed and scale, side by side with peers: `make bench`. Never a timed test: figures are of a machine and of its load.

What is measured is data: a row in `figures` says what is promised, a journey or a visit delivers samples.
How long `make test` takes is not measured here; pytest tells it (`--durations`).
"""
