"""What goes in: files of any form, the texts that tools load, and which line made which rule."""
