"""What happens to the input before the model sees it, in training and in serving alike: a row becomes a text, and a
text tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._core import Column

if TYPE_CHECKING:
    import pandas as pd
    from tokenizers import Tokenizer


def prep_func(X: np.ndarray | pd.DataFrame) -> np.ndarray | pd.DataFrame:
    """Change the input before it becomes text; the place to derive columns from others, or to clean texts.

    X has the columns of training, in their order, and any number of rows: a float64 array where all columns
    are numbers, else a DataFrame. Keep the rows, and let no row depend on another: requests are answered
    in batches. What is learnt from data belongs in `make_tokenizer`.
    """
    return X


def to_texts(X: np.ndarray | pd.DataFrame, columns: tuple[Column, ...]) -> list[str]:
    """A text per row of preprocessed input: that of the only column, or a line such as "age: 31; plan: pro".

    Numbers have six digits, and missing values are left out.
    """
    known = {column.name: column.datatype for column in columns}
    if isinstance(X, np.ndarray):
        names = list(known) if len(known) == X.shape[1] else [f"x{i}" for i in range(X.shape[1])]
    else:
        names = list(X.columns)
    if len(names) == 1 and known.get(names[0]) == "BYTES":
        return ["" if text is None else text for text in X[names[0]]]
    rows = np.asarray(X, dtype=object).tolist()
    return [
        "; ".join(
            f"{name}: {_written(value, known.get(name))}"
            for name, value in zip(names, row)
            if value is not None and value == value
        )
        for row in rows
    ]


def _written(value: float | str, datatype: str | None) -> str:
    if isinstance(value, str):
        return value
    if datatype == "BOOL":
        return "true" if value else "false"
    return np.format_float_positional(value, precision=6, fractional=False, trim="-")


#: What a tokenizer trained here knows of, at most: words, their parts, digits and signs.
VOCABULARY = 8000


def make_tokenizer(texts: list[str], max_length: int, least: int) -> Any:
    """Train a tokenizer for a new model: words, and parts of rarer ones, in lower case, and digits one by one.

    What fewer than `least` rows share is somebody's, and is read letter by letter.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    tokens = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokens.normalizer = normalizers.BertNormalizer()
    tokens.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.BertPreTokenizer(), pre_tokenizers.Digits(individual_digits=True)]
    )
    trainer = trainers.WordPieceTrainer(
        vocab_size=VOCABULARY, min_frequency=least, special_tokens=list(special.values()), show_progress=False
    )
    # Each word once a row, so that what is counted is rows.
    tokens.train_from_iterator((" ".join(dict.fromkeys(text.lower().split())) for text in texts), trainer)
    tokens.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(name, tokens.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    )
    inputs = ["input_ids", "attention_mask"]
    return PreTrainedTokenizerFast(
        tokenizer_object=tokens, model_max_length=max_length, model_input_names=inputs, **special
    )


def to_tokens(texts: list[str], tokenizer: Tokenizer, max_length: int) -> np.ndarray:
    """The numbers of the tokens of each text, [rows, tokens of the longest], shorter ones filled up with -1."""
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length)
    rows = [encoding.ids or [0] for encoding in tokenizer.encode_batch(texts)]
    tokens = np.full((len(rows), max(map(len, rows))), -1)
    for row, ids in zip(tokens, rows):
        row[: len(ids)] = ids
    return tokens
