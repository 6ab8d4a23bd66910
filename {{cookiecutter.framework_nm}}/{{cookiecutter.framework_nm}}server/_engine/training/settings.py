"""What can be set about every training run: one class that is the command line and the environment.

Not here: what can be set about a model, which is `Hyperparameters` in trainer/model.py, and about a server.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, Dict, List, Literal, Optional, Tuple, Type, TypeVar

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ..contract.listed import joined, split
from ..contract.privacy import MIN_COUNT
from .saving import LONGEST

#: Whether argparse knows pairs of flags, --report and --no-report.
PAIRS = sys.version_info >= (3, 9)

#: Options that list several things, with commas between them, or one each time that they are given.
LISTS = ("--labels", "--missing", "--columns", "--drop")

Self = TypeVar("Self", bound="TrainingSettings")


def _versions() -> Path:
    """Where versions go unless told: into the trainer's folder of a project; where only the package is installed, into
    the working directory, and not among installed packages.
    """
    package = Path(__file__).parents[2]
    return package / "trainer" if (package.parent / "setup.py").is_file() else Path("models")


class TrainingSettings(BaseSettings):
    """Train a model, evaluate it, and save it as the next version."""

    model_config = SettingsConfigDict(
        env_prefix="TRAIN_",
        cli_implicit_flags=PAIRS,
        cli_hide_none_type=True,
        cli_avoid_json=True,
    )

    data: Optional[Path] = Field(None, description="CSV or Parquet file to train on; without one, a sample data set")
    target: Optional[str] = Field(None, description="column to predict")
    model: Optional[Path] = Field(None, description="file or folder of a finished model to import instead of training")
    from_mlserver: Optional[Path] = Field(
        None, description="the same for a model of MLServer: the folder with model-settings.json"
    )
    trust: bool = Field(False, description="open a model that can run code when it is opened, such as a pickle")
    labels: str = Field(
        "", description="names of the labels that an imported model only numbers, in the order of its scores: no,yes"
    )
    missing: str = Field(
        "", description="texts that mean a missing value, in the file and in requests, besides the empty cell: NA,null"
    )
    columns: str = Field(
        "",
        description="kinds of columns that are detected wrongly: zip:text,when:date; or number, bool, date=%d/%m/%Y",
    )
    drop: str = Field(
        "",
        description='columns that the model does not learn from: id,name; as in all such lists, id,"last, first" where '
        "one has a comma",
    )
    separator: str = Field("", description="what separates columns in a CSV file; detected by default")
    decimal: Literal["", ".", ","] = Field("", description="decimal sign in a CSV file; detected by default")
    encoding: str = Field("", description="encoding of a CSV file, such as cp1252; detected by default")
    task: Literal["auto", "classification", "regression"] = Field(
        "auto", description="auto: regression if the target has fractions, or more than 10 whole numbers"
    )
    inspect: bool = Field(False, description="print how the columns and the target are read, without training")
    device: Literal["cpu", "cuda"] = Field("cpu", description="device to train on")
    eval_share: float = Field(0.2, gt=0, lt=1, description="share of the rows, or groups, kept for evaluation")
    split_seed: int = Field(0, ge=0, lt=2**32, description="random seed for choosing those rows, and the folds")
    group: Optional[str] = Field(
        None, description="column of groups, each of which is only for training or only for evaluation; not learnt from"
    )
    time: Optional[str] = Field(
        None, description="column of times; the latest rows are kept for evaluation; not learnt from"
    )
    folds: Optional[int] = Field(None, ge=2, le=1000, description="cross-validate first, with this many parts")
    class_weight: Optional[Literal["balanced"]] = Field(
        None, description="balanced: all labels count alike, however many rows they have"
    )
    threshold: Optional[float] = Field(
        None, gt=0, lt=1, description="for two labels: the lowest probability at which the second one is answered"
    )
    allow_useless: bool = Field(False, description="save a model even if it is no better than one that knows nothing")
    output_dir: Path = Field(_versions(), description="folder for the versions 0001, 0002, ...")
    extras_seconds: float = Field(
        20,
        ge=0,
        le=LONGEST,
        allow_inf_nan=False,
        description=f"seconds allowed for the compiled model (ONNX) and the report, up to {LONGEST}; 0 makes neither",
    )
    report: bool = Field(True, description="write a report of the version: report.html, report.json, MODEL_CARD.md")
    report_rows: bool = Field(False, description="show in the report the contents of the rows with the largest errors")
    min_count: int = Field(
        MIN_COUNT, ge=1, description="rows that must share a text before it is learnt as a category, or shown"
    )
    threads: Optional[int] = Field(
        None, ge=1, description="threads that train; by default one on each core there is, and one for a small table"
    )
    tune: Optional[int] = Field(
        None, ge=1, le=10_000, description="search hyperparameters first, with so many trainings (extra: tune)"
    )
    time_limit: float = Field(
        600,
        gt=0,
        le=LONGEST,
        allow_inf_nan=False,
        description="seconds after which --tune stops and takes the best so far",
    )

    @model_validator(mode="after")
    def _data_with_target(self: Self) -> Self:
        alone = self.data is not None and self.target is None
        if (alone and not self.imported) or (self.data is None and self.target is not None):
            raise ValueError("--data and --target go together: the file, and the column in it to predict")
        return self

    @model_validator(mode="after")
    def _one_model(self: Self) -> Self:
        if self.model and self.from_mlserver:
            raise ValueError("--model and --from_mlserver exclude each other: each names a model")
        return self

    @model_validator(mode="after")
    def _no_training_of_an_import(self: Self) -> Self:
        asked = [f"--{name}" for name in ("tune", "folds", "class_weight", "group", "time") if getattr(self, name)]
        if self.imported and asked:
            raise ValueError(f"an imported model is not trained: leave out {' and '.join(asked)}")
        return self

    @model_validator(mode="after")
    def _one_way_to_split(self: Self) -> Self:
        if self.group and self.time:
            raise ValueError("--group and --time exclude each other: choose one of them to split the rows by")
        return self

    @field_validator("columns")
    @classmethod
    def _columns_with_types(cls, columns: str) -> str:
        if ",".join(":".join(column) for column in _kinds(columns)) != columns:
            raise ValueError(
                "expected NAME:KIND, or NAME:KIND,NAME:KIND for several columns; a kind is text, number, bool, date, "
                "or date=FORMAT, such as date=%d/%m/%Y"
            )
        return columns

    @field_validator("labels", "missing", "drop")
    @classmethod
    def _listed(cls, names: str) -> str:
        split(names)
        return names

    @field_validator("separator")
    @classmethod
    def _one_letter(cls, separator: str) -> str:
        separator = separator.replace("\\t", "\t")
        if len(separator) > 1:
            raise ValueError("expected one letter, such as ';', or '\\t' for a tab")
        return separator

    @property
    def imported(self) -> Optional[Path]:
        """The file or folder of the model to import; None where one is trained."""
        return self.model or self.from_mlserver

    @property
    def label_names(self) -> Tuple[Any, ...]:
        """The labels that an imported model numbers; whole numbers, if all are."""
        names = split(self.labels)
        return tuple(map(int, names)) if all(re.fullmatch(r"-?\d+", name) for name in names) else names

    @property
    def spellings(self) -> tuple[str, ...]:
        """What spells a missing value, beside the empty cell."""
        return split(self.missing)

    @property
    def kinds(self) -> Dict[str, str]:
        """What columns are, whatever they look like, by their names."""
        return dict(_kinds(self.columns))

    @property
    def dropped(self) -> tuple[str, ...]:
        """The columns that nothing is learnt from."""
        return split(self.drop)

    @classmethod
    def from_command_line(cls: Type[Self]) -> Self:
        """Read command line and environment; exit with one line per problem where they do not fit."""
        try:
            arguments = joined([_underscored(argument) for argument in sys.argv[1:]], LISTS)
            return cls(_cli_parse_args=arguments if PAIRS else cls._with_values(arguments))  # type: ignore[call-arg]
        except ValidationError as error:
            for problem in error.errors():
                option = "".join(f"--{part}: " for part in problem["loc"])
                print(f"{option}{problem['msg'].replace('Value error, ', '')}", file=sys.stderr)
            raise SystemExit(2) from None

    @classmethod
    def _with_values(cls, arguments: List[str]) -> List[str]:
        """Flags with their values, such as --report=false for --no-report."""
        flags = [name for name, field in cls.model_fields.items() if field.annotation is bool]
        values = {f"--{flag}": f"--{flag}=true" for flag in flags}
        values.update((f"--no-{flag}", f"--{flag}=false") for flag in flags)
        return [values.get(argument, argument) for argument in arguments]

    def hyperparameters(self) -> Dict[str, Any]:
        """What the model class takes: the settings that trainer/config.py adds to these."""
        return self.model_dump(exclude=set(TrainingSettings.model_fields))

    def recorded(self) -> Dict[str, Any]:
        """What metadata.json keeps of the others: all that decided something, but no paths."""
        kept = set(TrainingSettings.model_fields) - {
            "data",
            "model",
            "from_mlserver",
            "output_dir",
            "inspect",
            "threads",
        }
        return self.model_dump(mode="json", include=kept)


def _underscored(argument: str) -> str:
    """An option as it is called here, also where it was written as most commands have it: --from-mlserver."""
    found = re.match(r"--(?:no-)?", argument)
    if not found:
        return argument
    name, sign, value = argument[found.end() :].partition("=")
    return found.group() + name.replace("-", "_") + sign + value


def _kinds(columns: str) -> list[tuple[str, str]]:
    """The names and kinds in NAME:KIND,NAME:KIND, of which names may hold commas and colons of their own."""
    return re.findall(r"(.+?):(text|number|bool|date(?:=.+?)?)(?:,|$)", columns)
