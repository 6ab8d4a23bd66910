"""The model: what is trained or imported, and how it answers. Put your own estimator into `fit`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional
from xml.etree import ElementTree

import numpy as np
from pydantic import BaseModel, Field

from ._core import Column, Model, ModelError, Signature, Unanswerable
from .categories import learn_categories
from .preprocessor import MAX_CATEGORIES, encode


class Hyperparameters(BaseModel):
    """What `build` takes; each is an option of the training command too."""

    pmml: Optional[Path] = Field(None, description="the same as --model")
    penalty: float = Field(1.0, gt=0, description="strength of the penalty on large weights")


class MyModel(Model):
    """A PMML document, evaluated by JPMML in a Java virtual machine of this process: one made elsewhere, or a linear
    model of scikit-learn's, which is written as PMML here.

    Serving needs Java, and no scikit-learn.
    """

    FRAMEWORK = "jpmml-evaluator"
    WEIGHTS = "model.pmml"
    GIVEN = "pmml"

    def build(self, **params: Any) -> None:
        self.options = Hyperparameters(**params)
        _start_java()

    def fit(self, X: Any, y: np.ndarray, weights: Any = None) -> None:
        from sklearn.impute import SimpleImputer
        from sklearn.linear_model import LogisticRegression, Ridge
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        classify, penalty = self.labels is not None, self.options.penalty
        estimator = LogisticRegression(C=1 / penalty, max_iter=1000) if classify else Ridge(penalty)
        # XML cannot hold the others.
        learnt = learn_categories(X, MAX_CATEGORIES, self.min_count)
        categories = {name: [value for value in values if value.isprintable()] for name, values in learnt.items()}
        imputer, scaler = SimpleImputer(keep_empty_features=True), StandardScaler()
        pipeline = make_pipeline(imputer, scaler, estimator)
        pipeline.fit(encode(X, categories), y, **{f"{pipeline.steps[-1][0]}__sample_weight": weights})
        # The document takes the columns as they are, so scaling goes into the slopes.
        slopes = np.atleast_2d(estimator.coef_) / scaler.scale_
        bias = np.atleast_1d(estimator.intercept_) - slopes @ scaler.mean_
        if isinstance(X, np.ndarray):
            names = self.signature.names if len(self.signature.names) == X.shape[1] else []
            columns = names or [f"x{i}" for i in range(X.shape[1])]
        else:
            columns = list(X.columns)
        self._open(_write(columns, categories, self.labels, imputer.statistics_, slopes, bias))

    def infer(self, X: Any, proba: bool) -> np.ndarray:
        import pandas as pd

        labels = [] if self.labels is None else [str(label) for label in self.labels.tolist()]
        if proba and not (labels and self.probabilities.keys() >= set(labels)):
            raise NotImplementedError("this model gives no probabilities")
        frame = X if hasattr(X, "columns") else pd.DataFrame(X, columns=[field.name for field in self.inputs])
        truths = [field.name for field in self.inputs if field.dataType == "boolean"]
        frame = frame.assign(**{name: frame[name].map({1.0: True, 0.0: False}) for name in truths})
        # Requests are batched before they come here; more threads would only wait for each other.
        results, errors = self.model.evaluateAll(frame, error_col=None, parallelism=1)
        problems = {} if errors is None else errors.dropna().map(_brief).to_dict()
        answers = results[self.target.name].tolist()
        unanswered = {row: "the model gives no prediction" for row, y in enumerate(answers) if y is None}
        problems = {**unanswered, **problems}
        if problems:
            raise Unanswerable("; ".join(f"row {row}: {problem}" for row, problem in sorted(problems.items())))
        if proba:
            return results[[self.probabilities[label] for label in labels]].to_numpy(np.float64)
        return np.array(answers, np.float64 if self.task == "regression" else None)

    def dump(self, path: Path) -> None:
        path.write_bytes(self.source if isinstance(self.source, bytes) else self.source.read_bytes())

    def restore(self, path: Path) -> None:
        _start_java()
        self._open(path)

    def _open(self, source: bytes | Path) -> None:
        """Make ready to evaluate a document, and see what its fields are."""
        from jpmml_evaluator import make_evaluator

        self.source = source
        try:
            root = ElementTree.fromstring(source if isinstance(source, bytes) else source.read_bytes())
            if root.tag.rpartition("}")[2] != "PMML":
                raise ValueError(f"its outermost element is {root.tag}")
            self.model = make_evaluator(source).verify()
            self.inputs, targets = self.model.getInputFields(), self.model.getTargetFields()
            outputs = [field.getField() for field in self.model.javaEvaluator.getOutputFields()]
        except Exception as error:  # Java's have no class in common with Python's
            raise ModelError(f"this PMML cannot be evaluated: {_brief(error)}") from None
        if len(targets) != 1:
            raise ModelError(f"expected PMML with one target; found {[field.name for field in targets]}")
        self.target = targets[0]
        #: By label the name of the output that is its probability.
        self.probabilities = {
            str(field.getValue()): str(field.getName())
            for field in outputs
            if str(field.getResultFeature()) == "probability"
        }

    def read_signature(self, X: Any = None) -> Signature:
        """A column for each active field. Values may be missing where the document replaces them, or X has such."""
        found = ", ".join(f"{field.name!r} {field.dataType}" for field in self.inputs)
        if not all(field.dataType in DATATYPES for field in self.inputs):
            raise ValueError(f"active fields must be numbers, truth values or text; found {found}")
        mining = {field.name: field.javaModelField.getMiningField() for field in self.inputs}
        missing = {name for name, field in mining.items() if field.getMissingValueReplacement() is not None}
        if X is not None:
            missing |= {column.name for column in Signature.learn(X).columns if column.nullable}
        signature = Signature(
            tuple(Column(field.name, DATATYPES[field.dataType], field.name in missing) for field in self.inputs)
        )
        self.task = "regression" if self.target.opType == "continuous" else "classification"
        native = {"integer": int, "boolean": bool, "double": float, "float": float}.get(self.target.dataType, str)
        labels = self.target.javaModelField.getCategories() if self.task == "classification" else None
        self.labels = np.array(sorted(native(label) for label in labels)) if labels else None
        try:
            self.infer(signature.blank() if X is None else signature.conform(X)[:1], False)
        except Unanswerable as error:
            tried = "zeros and empty text: name rows that it knows with --data" if X is None else "the first row"
            raise ValueError(f"the model does not answer {tried}; {error}") from None
        return signature


#: The signature's datatypes by PMML's.
DATATYPES: dict[str, Any] = {
    "double": "FP64",
    "float": "FP64",
    "integer": "FP64",
    "boolean": "BOOL",
    "string": "BYTES",
}


def _brief(error: Any) -> str:
    """What an exception of Java's says, without its class and its trace."""
    line = str(error).strip().partition("\n")[0]
    return f"{line.partition(': ')[2] if line.startswith(('org.', 'java')) else line:.300}"


def _start_java() -> None:
    """Start the Java virtual machine of this process, once. Raises ModelError where there is none."""
    import jpmml_evaluator
    import jpype

    try:
        java = jpype.getDefaultJVMPath()
    except ValueError:
        raise ModelError(
            "PMML needs Java 11 or newer, and none was found: install it (on Debian the package "
            "default-jre-headless), or set JAVA_HOME to where it is"
        ) from None
    if not jpype.isJVMStarted():
        jars = [str(jar) for jar in Path(jpmml_evaluator.__file__).parent.rglob("*.jar")]
        # Signals are the server's, the file system may be read-only, and one thread is enough to collect garbage.
        jpype.startJVM(java, "-Xrs", "-XX:-UsePerfData", "-XX:+UseSerialGC", classpath=jars)


def _write(
    columns: list[str],
    categories: dict[str, list[str]],
    labels: np.ndarray | None,
    fills: np.ndarray,
    weights: np.ndarray,
    bias: np.ndarray,
) -> bytes:
    """A linear model as a PMML document, https://dmg.org/pmml/v4-4-1/Regression.html.

    `categories` are the features that a column of text becomes, `fills` what each feature is where it is missing,
    and `weights` has a row for each score, [scores, features].
    """

    def add(parent: Any, tag: str, **attributes: Any) -> Any:
        element = ElementTree.SubElement(parent, tag, {name: _xml(value) for name, value in attributes.items()})
        element.tail = "\n"  # a line each, for whoever reads it
        return element

    target = "target"
    while target in columns:
        target += "_"
    root = ElementTree.Element("PMML", version="4.4", xmlns="http://www.dmg.org/PMML-4_4")
    add(root, "Header", description="a linear model of scikit-learn's")
    fields = add(root, "DataDictionary")
    function, method = ("regression", "none") if labels is None else ("classification", "softmax")
    model = add(root, "RegressionModel", functionName=function, normalizationMethod=method)
    schema = add(model, "MiningSchema")
    add(schema, "MiningField", name=target, usageType="target")
    if labels is None:
        add(fields, "DataField", name=target, optype="continuous", dataType="double")
        tables = [add(model, "RegressionTable", intercept=bias[0])]
    else:
        names = labels.tolist()
        kind = {"b": "boolean", "i": "integer"}.get(labels.dtype.kind, "string")
        values = add(fields, "DataField", name=target, optype="categorical", dataType=kind)
        output = add(model, "Output")
        number = {"optype": "continuous", "dataType": "double"}
        for name in names:
            add(values, "Value", value=name)
            add(output, "OutputField", name=f"probability({_xml(name)})", feature="probability", value=name, **number)
        if len(weights) == 1:  # one score tells two labels apart: it is the second's, and the first has none
            add(model, "RegressionTable", intercept=0.0, targetCategory=names.pop(0))
        tables = [add(model, "RegressionTable", intercept=at, targetCategory=name) for at, name in zip(bias, names)]
    feature = 0
    for column in columns:
        if column in categories:
            add(fields, "DataField", name=column, optype="categorical", dataType="string")
            add(schema, "MiningField", name=column)
        else:
            add(fields, "DataField", name=column, optype="continuous", dataType="double")
            add(schema, "MiningField", name=column, missingValueReplacement=fills[feature])
        for value in categories.get(column, [None]):
            for table, row in zip(tables, weights):
                if value is None:
                    add(table, "NumericPredictor", name=column, coefficient=row[feature])
                else:
                    add(table, "CategoricalPredictor", name=column, value=value, coefficient=row[feature])
            feature += 1
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def _xml(value: Any) -> str:
    """A value as PMML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return repr(float(value)) if isinstance(value, float) else str(value)
