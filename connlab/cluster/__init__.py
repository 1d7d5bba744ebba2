"""The containers of a lab: the engine, Compose, images, hosts, and how a lab is brought up, mended and removed."""
