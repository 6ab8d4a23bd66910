"""Dates and times: how a column spells them, and the numbers that a model learns from.

A time is the seconds since 1970, in UTC where the column has offsets from it, and else by the clock that it was read
from. Not here: which column has which spelling.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any, Callable, Dict, Optional, Sequence, Tuple

import msgspec
import numpy as np

_ISO = re.compile(
    r"(\d{4})-(\d\d?)(?:-(\d\d?)(?:[T ](\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s?(Z|UTC|[+-]\d\d(?::?\d\d)?)?)?)?",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1)
_DAYS = (
    *("%d.%m.%Y", "%d.%m.%y", "%m/%d/%Y", "%d/%m/%Y", "%m/%d/%y", "%d/%m/%y", "%Y/%m/%d", "%Y.%m.%d"),
    *("%d-%m-%Y", "%m-%d-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%d-%b-%Y", "%d-%b-%y"),
)
_HOURS = ("%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p")
#: The spellings besides ISO 8601, the likelier one first where a cell can be read by several.
FORMATS = (
    *_DAYS,
    *(f"{day}{comma} {hour}" for day in _DAYS for comma in ("", ",") for hour in _HOURS),
    *_HOURS,
    "%b %Y",
)
#: What a model learns from, where it varies: `days` are those since 1970, with their fraction.
PARTS = ("days", "year", "month", "day", "weekday", "hour", "minute", "second")
#: Cells that a spelling is chosen by.
_SAMPLE = 200


class Dates(msgspec.Struct, frozen=True, tag_field="form", tag="dates"):
    """A spelling of times: ISO 8601, or a format of Python's strptime. `utc` says that they have offsets from UTC, and
    `parts` what a model learns from."""

    format: Optional[str] = None
    utc: bool = False
    parts: Tuple[str, ...] = ()

    @property
    def expected(self) -> str:
        """What a client sends."""
        beside = "" if self.format is None else f", or as {self.write(_SHOWN, iso=True)}"
        without = "" if self.utc else ", without an offset from UTC"
        return f"a date or time such as {self.example}{beside}{without}"

    @property
    def example(self) -> str:
        return self.write(_SHOWN)

    @property
    def whole_days(self) -> bool:
        return not {"hour", "minute", "second"} & {*self.parts}

    def read(self, text: str) -> Optional[float]:
        """The time that a text says, in seconds; None where it says none."""
        text = text.strip()
        if self.format is not None:
            try:
                found = datetime.strptime(text, self.format)
            except ValueError:
                return _read_iso(text, self.utc) if "y" in self.format.lower() else None
            return None if "%y" in self.format and len(text) < 8 else to_seconds(found, self.utc)
        return _read_iso(text, self.utc)

    def write(self, seconds: float, iso: bool = False) -> str:
        """A time as the column spells it."""
        time = _EPOCH + timedelta(seconds=seconds)
        if self.format is not None and not iso:
            return time.strftime(self.format)
        if self.whole_days and not self.utc:
            return time.date().isoformat()
        return time.isoformat(timespec="seconds" if not time.microsecond else "microseconds") + "Z" * self.utc

    def learn(self, seconds: np.ndarray) -> Dates:
        """The same, with the parts that vary among these times."""
        values = parts_of(seconds[~np.isnan(seconds)], PARTS)
        varies = [len(values) > 0 and bool((values[:, at] != values[0, at]).any()) for at in range(len(PARTS))]
        parts = tuple(name for name, does in zip(PARTS, varies) if does)
        return Dates(self.format, self.utc, parts or PARTS[:1])


#: The example in messages: the 31st of May, of which no part can be taken for another.
_SHOWN = (datetime(2024, 5, 31, 14, 30) - _EPOCH).total_seconds()


def to_seconds(value: Any, utc: bool) -> Optional[float]:
    """The seconds of a date or time of Python's or pandas'; None where it has an offset, and its column has none."""
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if value.tzinfo is not None:
        if not utc:
            return None
        value = value.astimezone(timezone.utc).replace(tzinfo=None)
    return float((value - _EPOCH).total_seconds())


def parts_of(seconds: np.ndarray, parts: Sequence[str]) -> np.ndarray:
    """Parts of times by their names, [rows, parts]; NaN where there is none."""
    known = np.isfinite(seconds)
    micros = np.where(known, np.round(np.where(known, seconds, 0) * 1e6), 0).astype(np.int64)
    times = micros.astype("datetime64[us]")
    days, months = times.astype("datetime64[D]"), times.astype("datetime64[M]")
    of_day = (times - days).astype(np.int64) // 1_000_000
    found: Dict[str, Callable[[], Any]] = {
        "days": lambda: micros / 86_400e6,
        "year": lambda: times.astype("datetime64[Y]").astype(np.int64) + 1970,
        "month": lambda: months.astype(np.int64) % 12 + 1,
        "day": lambda: (days - months).astype(np.int64) + 1,
        "weekday": lambda: (days.astype(np.int64) + 3) % 7,  # 1970 began with a Thursday; Monday is 0
        "hour": lambda: of_day // 3600,
        "minute": lambda: of_day // 60 % 60,
        "second": lambda: of_day % 60,
    }
    columns = [np.where(known, found[name](), np.nan) for name in parts]
    return np.column_stack(columns) if columns else np.empty((len(seconds), 0))


def first_of_month(seconds: float) -> float:
    """When the month of a time began."""
    time = _EPOCH + timedelta(seconds=seconds)
    return (time.replace(day=1, hour=0, minute=0, second=0, microsecond=0) - _EPOCH).total_seconds()


def candidates(cells: Sequence[str]) -> list[Dates]:
    """The spellings that most of some cells have: ISO 8601, or the formats that fit most of them."""
    sample = [cell for cell in cells if any(letter.isdigit() for letter in cell)][:_SAMPLE]
    for form in (Dates(), Dates(utc=True)):  # which other formats read, too
        if sample and all(form.read(cell) is not None for cell in sample):
            return [form]
    forms = [Dates(), Dates(utc=True), *map(Dates, FORMATS)]
    counts = [sum(form.read(cell) is not None for cell in sample) if _may_be(form, sample) else 0 for form in forms]
    most = max(counts, default=0)
    best = [form for form, count in zip(forms, counts) if count == most] if most > len(sample) / 2 else []
    return [form for form in best if form.format is None] or best


def _may_be(form: Dates, sample: Sequence[str]) -> bool:
    """Whether the first cells that there are can be of a form: most columns of text are told from dates by these."""
    return any(form.read(cell) is not None for cell in sample[:5])


def _read_iso(text: str, utc: bool) -> Optional[float]:
    found = _ISO.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    if (zone is not None) != utc:
        return None
    try:
        time = datetime(int(year), int(month), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0))
    except ValueError:
        return None
    seconds = (time - _EPOCH).total_seconds() + float(f"0.{fraction or 0}")
    return seconds - _offset(zone) if zone and zone[0] in "+-" else seconds


def _offset(zone: str) -> float:
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return (int(digits[:2]) * 3600 + int(digits[2:]) * 60) * (-1 if zone[0] == "-" else 1)
