"""What is expected of a trial: read, and held against its answer."""
