"""Several processes at one training: who is there, what they tell each other, how sums are made."""
