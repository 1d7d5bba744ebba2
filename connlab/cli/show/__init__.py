"""What people look at, for each kind of verb: tables for a terminal, plain text for a pipe."""
