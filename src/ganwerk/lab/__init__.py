"""The laboratory: games small enough that the truth about them is known.

Every experiment plays with the step, the losses and the remedies that pictures are trained with.
"""
