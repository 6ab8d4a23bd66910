"""A model version copied to where the cluster reads it, under the next number: `make push-model`.

Not here: what the cluster then does with it, which is said to kubectl.
"""
