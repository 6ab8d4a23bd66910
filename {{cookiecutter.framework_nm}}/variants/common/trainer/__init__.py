"""The training side: the model, its pre- and postprocessing, and the command that trains it.

Your code goes into `model.py`, `preprocessor.py` and `postprocessor.py`.
"""
