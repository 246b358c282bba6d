"""Columns of text as the stages after intake have them."""

from __future__ import annotations

import pandas as pd

from ccbill.categories import light
from ccbill.intake.text import Text


def categorical(text: Text) -> pd.Categorical:
    """The column with its categories in order."""
    column = text.sorted()
    categories = pd.Index(column.values.to_numpy(zero_copy_only=False), dtype=str)
    return light(pd.Categorical.from_codes(column.codes, categories=categories, validate=False))
