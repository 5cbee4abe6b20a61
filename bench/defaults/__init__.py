"""How good the defaults are, on many data sets, for equal processor time: see __main__."""
