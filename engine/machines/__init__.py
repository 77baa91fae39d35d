"""What plays tapes. The only place that knows of processors."""
