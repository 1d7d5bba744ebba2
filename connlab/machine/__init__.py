"""What both hosts and the lab share: the words that hosts write and the knobs that they read.

Standard library only, and nothing of ours beside itself: each image copies this folder of the package alone.
"""
