"""A chart becomes SVG: axes, room for words, colours, markup. Pure: the same chart gives the same bytes."""
