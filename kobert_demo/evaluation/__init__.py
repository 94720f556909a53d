"""A classifier and labelled sentences -> how good it is, and where it is wrong.

Scores come first (`scoring`); everything else is computed from them without the model: figures beside
baselines, calibration, slices, the rows to look at, and the report that holds all of it.
"""
