"""The program that a client host runs at our order: its verbs as methods (docs/agent.md)."""
