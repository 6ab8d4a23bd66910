"""Bytes to arrays and back: V1, V2 in JSON and binary, tensors, and the messages to clients. Pure functions.

Not here: servers, models.
"""
