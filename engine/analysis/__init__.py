"""Looking at a network from outside: paths between nodes, gradient checks, loss surfaces."""
