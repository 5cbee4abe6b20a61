"""From a request to a trained run: prepare, probe, play, record."""
