"""What a verb does, as data: each module is one question to a lab, and its answer."""
