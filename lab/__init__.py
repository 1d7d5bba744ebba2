"""connlab's host side: hands (traffic), eyes (observe), words (model), judge (predict), memory (evidence)."""
