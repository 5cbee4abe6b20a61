"""How good a run is: pictures drawn beside real ones, measured with a scale."""
