"""What a model directory may hold for people: the report. No server reads it. Not here: how it is made."""

from __future__ import annotations

PAGE, NUMBERS, CARD = "report.html", "report.json", "MODEL_CARD.md"
FILES = (PAGE, NUMBERS, CARD)
