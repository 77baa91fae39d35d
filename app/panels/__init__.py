"""What stands around the canvas: gallery, palette, inspector, player, training, tour, problems, command search."""
