"""What your files share: functions and classes of your own that training and serving both use.

A class that a saved model consists of, such as an estimator of yours, belongs here and not into `__main__.py`: a
model is loaded by the name of the module that its classes come from.
"""
