"""How a column spells its numbers, where a program would not: "$1,234.50", "12,5", "(3 000 €)", "7 %".

Not here: plain numbers, which Python and JSON read alike, and which column has which spelling.
"""

from __future__ import annotations

import functools
import re
from typing import Optional, Sequence, Tuple

import msgspec

#: Signs of a unit. A percentage is the number before its sign: 7 of "7 %".
PERCENT = "%"
SIGNS = ("US$", "R$", "$", "€", "£", "¥", "₹", "₩", "₽", "₺", "USD", "EUR", "GBP", "CHF", "JPY", PERCENT)
#: What separates thousands, and other signs that are written for it.
_THOUSANDS = {",": ",", ".": r"\.", " ": "[ \u00a0\u2009\u202f]", "'": "['\u2019]"}
_UNUSUAL = {*"".join(SIGNS), *_THOUSANDS, *"(\u00a0\u2009\u202f\u2019\u2212"}
#: The decimal sign and the one of thousands, the likelier pair first where a cell can be read by several.
_PAIRS = ((".", ""), (".", ","), (",", ""), (",", "."), (".", " "), (",", " "), (".", "'"), (",", "'"))
#: Digits that a number has room for; more of them are a code.
_DIGITS = 15


class Numbers(msgspec.Struct, frozen=True, tag_field="form", tag="numbers"):
    """A spelling of numbers: the decimal sign, the one of thousands, or "", and the signs of a unit."""

    decimal: str = "."
    thousands: str = ""
    signs: Tuple[str, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether a program reads it, too."""
        return self == Numbers()

    @property
    def expected(self) -> str:
        """What a client sends."""
        return f"a number, or text such as {self.example}"

    @property
    def example(self) -> str:
        text = f"1{self.thousands}234{self.decimal}5"
        for sign in self.signs[:1]:
            return f"{text}{sign}" if sign == PERCENT else f"{sign}{text}"
        return text

    def read(self, text: str) -> Optional[float]:
        """The number that a text says; None where it says none."""
        found = _pattern(self).fullmatch(text.strip().replace("\u2212", "-"))
        if not found or (found["open"] is None) != (found["close"] is None):
            return None
        minus = "-" in (found["before"] + found["behind"]) or found["open"]
        digits = found["digits"]
        if self.thousands:
            digits = re.sub(_THOUSANDS[self.thousands], "", digits)
        value = float(digits.replace(self.decimal, "."))
        return -value if minus else value


def candidates(cells: Sequence[str], decimal: str = "") -> list[Numbers]:
    """The spellings that cells may have, the likelier ones first; `decimal` is their decimal sign, if that is known."""
    if not _UNUSUAL.intersection("".join(cells)):
        return [Numbers()]
    present = [sign for sign in SIGNS if any(sign in cell for cell in cells)]
    signs = tuple(sign for sign in present if not any(sign in other and sign != other for other in present))
    if len(signs) > 1:  # numbers of several units are no numbers of one column
        return [Numbers()]
    pairs = [pair for pair in _PAIRS if decimal in ("", pair[0])]
    found = [Numbers(sign, thousands, signs) for sign, thousands in pairs]
    return found if Numbers() in found else [*found, Numbers()]


def is_code(text: str) -> bool:
    """Whether digits say which, and not how many: with a zero before them, or too many for a number."""
    digits = text.strip().lstrip("+-")
    return digits.isdigit() and (len(digits) > _DIGITS or (digits[0] == "0" and len(digits) > 1))


@functools.lru_cache(maxsize=256)
def _pattern(form: Numbers) -> re.Pattern[str]:
    whole = r"\d+"
    if form.thousands:
        whole = rf"(?:[1-9]\d{{0,2}}(?:{_THOUSANDS[form.thousands]}\d{{3}})+|\d+)"
    decimal = re.escape(form.decimal)
    sign = "|".join(map(re.escape, form.signs))
    optional = rf"(?:(?:{sign})\s?)?" if sign and PERCENT not in form.signs else ""
    behind = rf"\s?(?:{sign})" if PERCENT in form.signs else rf"(?:\s?(?:{sign}))?" if sign else ""
    return re.compile(
        rf"(?P<open>\()?(?P<before>[+-]?)\s?{optional}(?P<behind>[+-]?)"
        rf"(?P<digits>(?:{whole}(?:{decimal}\d*)?|{decimal}\d+)(?:[eE][+-]?\d{{1,3}})?){behind}(?P<close>\))?",
        re.ASCII,
    )
