"""ganwerk: train a generative adversarial network on your own pictures."""

__version__ = "0.1.0"
