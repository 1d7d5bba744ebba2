"""What everything else stands on: knobs, the words of the model, errors, waits. It knows no Docker and no host."""
