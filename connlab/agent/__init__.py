"""The program that a client host runs at our order: its requests and answers (docs/agent.md)."""
