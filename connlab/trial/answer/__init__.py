"""What comes out: rows, rules, words for people, and what is kept."""
