"""What is done: the scenarios of each row, given to the program of namespaces/, and what it saw."""
