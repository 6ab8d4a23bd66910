"""What input is: columns, their datatypes and missing values; learnt once, applied to files and requests alike.

Not here: files, protocols, models.
"""
