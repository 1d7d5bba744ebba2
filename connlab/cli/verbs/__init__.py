"""The verbs of `lab`: each parses, calls one module, and prints. What they share is in options."""
