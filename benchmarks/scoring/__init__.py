"""How fast tables are scored, beside `predict` on the whole frame and `mlflow models predict`."""
