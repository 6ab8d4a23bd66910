"""The model: what is trained, and how it answers. Put your own estimator into `build`, or bring an MLflow model."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import shutil
import warnings
from pathlib import Path
from typing import Any, Literal, Optional

import numpy as np
from pydantic import BaseModel, Field

from ._core import Model, Signature, fitted
from .preprocessor import make_encoder
from .schema import choose_types, read_schema


class Hyperparameters(BaseModel):
    """What `build` takes; each is an option of the training command too."""

    mlflow: Optional[Path] = Field(None, description="the same as --model")
    estimator: Literal["linear", "forest"] = Field("linear", description="a linear model, or a random forest")
    n_estimators: int = Field(100, ge=1, description="number of trees in a forest")
    random_state: int = Field(0, description="random seed of a forest")


class MyModel(Model):
    """An MLflow model: a scikit-learn pipeline trained here, or any model that has the flavour python_function.

    It does not contain `prep_func`: what others who load it need as well belongs in `make_encoder`.
    MLflow is imported where it is needed: a server that runs the compiled model starts without.
    """

    FRAMEWORK = "mlflow"
    WEIGHTS = "model"
    GIVEN = "mlflow"
    IMPORTS = ("*/MLmodel",)

    @staticmethod
    def version() -> str:
        return importlib.metadata.version("mlflow-skinny")

    def build(self, **params: Any) -> None:
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
        from sklearn.linear_model import LogisticRegression, Ridge

        options = Hyperparameters(**params)
        self.folder: Path | None = None
        classify = self.task == "classification"
        # Trees need no scaling, and would split elsewhere in the compiled model, which computes in single precision.
        self.scale = options.estimator == "linear"
        if options.estimator == "linear":
            self.estimator = LogisticRegression(max_iter=1000) if classify else Ridge()
        else:
            forest = RandomForestClassifier if classify else RandomForestRegressor
            self.estimator = forest(options.n_estimators, random_state=options.random_state)

    def fit(self, X: Any, y: np.ndarray, weights: Any = None) -> None:
        from sklearn.pipeline import make_pipeline

        self.state["types"] = choose_types(X, self.signature.columns)
        missing = any(column.nullable for column in self.signature.columns)
        table = fitted.to_table(X, self.state["types"])
        self.model = make_pipeline(make_encoder(table, missing, self.scale, self.min_count), self.estimator)
        # Some estimators of scikit-learn take none.
        weighted = {} if weights is None else {f"{self.model.steps[-1][0]}__sample_weight": weights}
        self.model.fit(table, y, **weighted)
        self.schema = _mlflow().models.infer_signature(table, self.model.predict(table))

    def read_signature(self, X: Any = None) -> Signature:
        if self.schema is not None and self.schema.inputs is not None:
            names = None if X is None else list(map(str, X.columns))
            columns, self.state["types"] = read_schema(self.schema.inputs, names)
            self.signature = Signature(columns)
        elif X is not None:
            self.signature = Signature.learn(X)
            self.state["types"] = choose_types(self.signature.conform(X), self.signature.columns)
        else:
            raise ValueError(
                f"{self.folder} was saved without a signature, so what it takes is not known: give --data and --target "
                "of a file that it can answer, or save it again with signature=mlflow.models.infer_signature(X, y)"
            )
        if hasattr(self.model, "classes_"):
            self.task, self.labels = "classification", np.asarray(self.model.classes_)
        else:
            answer = self.infer(self.preprocess(self.signature.blank()), False)
            self.task = "regression" if answer.dtype.kind == "f" else "classification"
        return self.signature

    def infer(self, X: Any, proba: bool) -> np.ndarray:
        table = fitted.to_table(X, self.state["types"])
        y_hat = np.asarray(self.model.predict_proba(table) if proba else self.model.predict(table))
        if not proba and y_hat.ndim == 2 and y_hat.shape[1] == 1:
            y_hat = y_hat[:, 0]
        return y_hat.astype(np.float64) if y_hat.dtype.kind == "f" else y_hat

    def to_onnx(self) -> bytes:
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import FloatTensorType
        from sklearn.base import BaseEstimator

        if not self.signature.numeric or not isinstance(self.model, BaseEstimator):
            raise NotImplementedError("only scikit-learn's models of numbers are converted")
        columns = [("input", FloatTensorType([None, self.model.n_features_in_]))]
        options = {"zipmap": False} if self.labels is not None else None
        return to_onnx(self.model, initial_types=columns, options=options).SerializeToString()

    def dump(self, path: Path) -> None:
        if self.folder:
            shutil.copytree(self.folder, path)
            return
        mlflow, form = _mlflow(), "cloudpickle"
        options: dict[str, Any] = {}
        # MLflow 2, which is what there is beside KFServing, writes pickles only.
        if "skops" in mlflow.sklearn.SUPPORTED_SERIALIZATION_FORMATS:
            import skops.io

            # What is written here was made here, so that all of its types can be trusted; skops runs no code of theirs.
            trusted = skops.io.get_untrusted_types(data=skops.io.dumps(self.model))
            form, options["skops_trusted_types"] = "skops", trusted
        mlflow.sklearn.save_model(
            self.model,
            path,
            serialization_format=form,
            signature=self.schema,
            input_example=fitted.to_table(self.preprocess(self.example), self.state["types"]),
            pip_requirements=[f"{name}=={importlib.metadata.version(name)}" for name in ("scikit-learn", form)],
            **options,
        )

    def restore(self, path: Path) -> None:
        from sklearn.base import BaseEstimator

        self.folder = path
        loaded = _mlflow().pyfunc.load_model(str(path))
        self.schema = loaded.metadata.signature
        self.model = loaded
        # Estimators are asked themselves: they know labels and probabilities, where MLflow has one function only.
        with contextlib.suppress(NotImplementedError):
            inner = loaded.get_raw_model()
            self.model = inner if isinstance(inner, BaseEstimator) else loaded


def _mlflow() -> Any:
    """MLflow with the parts that are used here, and without its usage reports."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*Any type hint is inferred as AnyType")  # of MLflow's own
        import mlflow
        import mlflow.models
        import mlflow.pyfunc
        import mlflow.sklearn
    mlflow.tracing.disable()  # MLflow 2 would keep traces of what it loads, in a folder mlruns
    return mlflow
