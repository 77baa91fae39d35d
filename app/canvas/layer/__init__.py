"""A dense layer that is opened into its neurons: where they stand, the lines of its weights, what makes room for it."""
