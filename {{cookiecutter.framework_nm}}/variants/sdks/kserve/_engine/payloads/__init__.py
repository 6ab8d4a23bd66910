"""Requests and answers written down: what KServe's logger posts becomes files of JSON Lines that `score` reads.

Not here: who is logged, which the manifest says (k8s/components/logger), and what a request means to a model.
"""
