import tomllib

import pytest

from pricelist import cents, convert


def test_prices_are_exact() -> None:
    assert cents("1.10") == 110
    assert cents("0.29") == 29


@pytest.mark.parametrize("text", ["-1", "1.005"])
def test_what_is_no_price_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no price"):
        cents(text)


def test_every_row_becomes_an_item() -> None:
    converted = convert("name,price\ntea,3.50\nrusk,1.2\n")
    assert tomllib.loads(converted) == {
        "item": [
            {"name": "tea", "price": 350},
            {"name": "rusk", "price": 120},
        ]
    }
