"""Pages drawn from evidence."""
