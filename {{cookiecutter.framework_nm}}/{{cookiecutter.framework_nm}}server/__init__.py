"""Train a {{ cookiecutter._frameworks[cookiecutter.framework_nm].title }} model, and serve it over {{ cookiecutter._sdks[cookiecutter.serving_sdk].doors }}.

`trainer` trains and holds the model; `inferencer` serves it. They meet in `trainer.model.MyModel`.
"""
