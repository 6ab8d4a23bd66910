"""Train a {{ cookiecutter._frameworks[cookiecutter.framework_nm].title }} model, and serve it over REST and gRPC.

`trainer` trains and holds the model; `inferencer` serves it. They meet in `trainer.model.MyModel`.
"""
