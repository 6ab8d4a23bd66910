"""Tables scored with a model: read in chunks, scored in processes, written in parts that a second run need not repeat.

Not here: what a row has to be, which is the contract's, and how a server's requests are read.
"""
