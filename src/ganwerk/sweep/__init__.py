"""Sweeps: many trainings with other settings, by any number of processes, and which was best."""
