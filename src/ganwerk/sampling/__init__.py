"""Drawing pictures with a trained generator, and the space they are drawn from."""
