"""Chainrule's window and command line. It paints what the engine computes and computes nothing itself."""

__version__ = "0.1.0"
