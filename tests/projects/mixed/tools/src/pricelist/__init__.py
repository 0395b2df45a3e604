"""Turns the buyers' price list, a CSV of name and price, into the shop's TOML."""

import csv
import io
from decimal import Decimal

import tomli_w


def cents(text: str) -> int:
    """A price such as `3.50` in cents."""
    amount = Decimal(text) * 100
    if amount < 0 or amount != int(amount):
        raise ValueError(f"{text} is no price")
    return int(amount)


def convert(text: str) -> str:
    rows = csv.DictReader(io.StringIO(text))
    return tomli_w.dumps(
        {"item": [{"name": r["name"], "price": cents(r["price"])} for r in rows]}
    )
