"""Steering a trained generator: places in its space, ways between them, what they draw."""
