"""The process that looks up training pictures: python -m ganwerk.web.nearest RUN.

It is given drawn pictures (N, H, W, C), uint8, and answers with the training picture nearest to
each: its name, its distance, and how suspicious that is (see evaluation.neighbours).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ganwerk.config.schema import Settings
from ganwerk.errors import GanwerkError
from ganwerk.evaluation.extractors import OPTIONS
from ganwerk.metrics.features import Extractor, extract
from ganwerk.web.serving import Channel, failure, serve
from ganwerk.web.wire import Head
