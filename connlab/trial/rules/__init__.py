"""What rules say: chains, ports, counts, verdicts, and what they name."""
