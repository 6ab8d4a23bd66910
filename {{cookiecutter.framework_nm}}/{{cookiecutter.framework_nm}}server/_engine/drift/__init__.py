"""Drift: whether the rows of today are like those of training, by counts in bins that training chose.

Not here: who counts (serving/watch.py), and who is told (reporting/drift.py, and the SDK's metrics).
"""
