"""Sections, numbers and property rows: what the inspector and the panels for training and data are made of."""
