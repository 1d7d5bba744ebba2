"""The hosts of a trial: the machine that has them, their addresses, and requests to the program that makes them."""
