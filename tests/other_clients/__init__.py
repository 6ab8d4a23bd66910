"""Clients of other people, as they come, against the server of an installed project.

Whatever they speak, each answer is that of the model in process, bit for bit: in V1 and V2, in JSON and binary, over
gRPC in both of its forms. What a server does besides predicting is not tested here.
"""
