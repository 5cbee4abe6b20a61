"""The doctor: what goes wrong in a training, in plain words, with its proof and its treatment."""
