"""Broken and healthy trainings, an oracle the doctor cannot read, and how often it is right."""
