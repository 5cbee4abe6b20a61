"""The game: losses, penalties, one training step. Torch only."""
