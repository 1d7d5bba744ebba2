"""What would do what was probably meant: known repairs of rules, tried in the same sandbox."""
