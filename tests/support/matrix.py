"""A matrix of kernels as `lab kernels` leaves one: data, for what reads it."""

from __future__ import annotations

from typing import Any

Cells = dict[str, tuple[str, str]]  # verdict and words by claim


def matrix(kernels: dict[str, Cells], *, own: str = "", complete: bool = True) -> dict[str, Any]:
    """Return a matrix of these kernels; `own` is the engine's."""
    rows = [
        {"version": release, "package": "" if release == own else f"linux-image={release}-1", "uname": f"{release} #1",
         "status": "ran", "where": "engine" if release == own else "guest"}
        for release in kernels
    ]  # fmt: skip
    cells = [
        {"kernel": release, "claim": claim, "verdict": verdict, "figures": {}, "words": words,
         "reason": "" if words else "gone"}
        for release, each in kernels.items() for claim, (verdict, words) in each.items()
    ]  # fmt: skip
    claims = {claim: f"Sentence of {claim}" for each in kernels.values() for claim in each}
    return {
        "schema": 1, "machine": {"kernel": own, "engine": {"Version": "20.10"}}, "complete": complete,
        "kernels": rows, "cells": cells, "sentences": claims, "contradictions": [],
    }  # fmt: skip
