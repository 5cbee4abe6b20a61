"""Neural style transfer: features, statistics, losses and the descent. Torch only: no files but
the package's own weights, no printing."""
