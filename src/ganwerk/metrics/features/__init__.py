"""Feature extractors: from pictures to the numbers that distances are measured in."""

from ganwerk.metrics.features.base import Extractor, FunctionExtractor, extract
from ganwerk.metrics.features.pixels import PixelPca
from ganwerk.metrics.features.random_conv import RandomConv

__all__ = ["Extractor", "FunctionExtractor", "PixelPca", "RandomConv", "extract"]
