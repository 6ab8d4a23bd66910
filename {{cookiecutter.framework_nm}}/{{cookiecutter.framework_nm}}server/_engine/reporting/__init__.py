"""The report of a version: what a model was trained on and how, how well it does, and in what it errs.

Modules here take numbers that training has, and make files of them. Not here: training, evaluating, serving.
"""
