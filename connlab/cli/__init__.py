"""The command line: it parses, calls one action, and prints."""
