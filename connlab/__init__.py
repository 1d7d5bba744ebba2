"""connlab: a laboratory for TCP connection limits. What runs on the user's machine; docs/design.md has the tree."""
