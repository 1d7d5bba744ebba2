"""What a client host does by itself. A workload is a file here with `run(knobs)`, chosen by its name."""
