"""Views: what is drawn beside the canvas while training runs. Each is fed by snapshots and paints."""
