"""Chainrule's engine: graphs, differentiation, tapes and machines; it knows no window."""
