"""Fonts, icons and data files that travel with the program, read through `importlib.resources`."""
