"""What a run leaves in runs/: snapshots, charts, claims and their verdicts."""
