"""The worst that a sender may do with 2 MiB: makers of payloads that are dear to judge.

Each is full to the brim with one kind of trouble. What makes trouble dear is that something has to
be done for each of very many small parts before it is known that findings enough were built.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import payloads

SIZE: Final = 2 * 2**20

Maker = Callable[[], bytes]


def _fill(before: str, part: str | Callable[[int], str], after: str, separator: str = ",") -> bytes:
    """Repeat a part between two texts until `SIZE` is reached."""
    room = SIZE - len(before.encode()) - len(after.encode())
    parts: list[str] = []
    while True:
        text = part if isinstance(part, str) else part(len(parts))
        room -= len(text.encode()) + len(separator)
        if room < 0:
            return (before + separator.join(parts) + after).encode()
        parts.append(text)


def _fill_array(name: str, part: str | Callable[[int], str]) -> Maker:
    """Fill an array of the session."""
    return lambda: _fill(f'{{"customerSession":{{"{name}":[', part, "]}}")


def _fill_object(name: str, part: str | Callable[[int], str]) -> Maker:
    """Fill an object of the session; a part is key and value."""
    return lambda: _fill(f'{{"customerSession":{{"{name}":{{', part, "}}}")


def _fill_items(part: str | Callable[[int], str], *, before: str = "", after: str = "") -> Maker:
    """Fill 1000 items evenly, so that the cart is not too long as such."""

    def make() -> bytes:
        room = (SIZE - 100) // 1000
        items, number = [], 0
        for index in range(1000):
            head = f'{{"name":"a","sku":"s{index}","quantity":1,"price":1{before}'
            left, parts = room - len(head) - len(after) - 2, []
            while True:
                text = part if isinstance(part, str) else part(number)
                left -= len(text.encode()) + 1
                if left < 0:
                    break
                parts.append(text)
                number += 1
            inner = ",".join(parts)
            items.append(head + ("" if before else ",") + inner + after + "}")
        return ('{"customerSession":{"cartItems":[' + ",".join(items) + "]}}").encode()

    return make


def _damage(edit: Callable[[bytes], bytes]) -> Maker:
    """Damage the large valid payload."""
    return lambda: edit(payloads.large_request(SIZE))


def _nested_arrays(levels: int, where: str = "attributes") -> Maker:
    nested = "[" * levels + "]" * levels
    return _fill_object(where, lambda number: f'"k{number}":{nested}')


def _change_items(change: Callable[[dict[str, Any]], object]) -> Maker:
    """Change each item of the large valid payload."""

    def make() -> bytes:
        payload = json.loads(payloads.large_request(SIZE))
        for each in payload["customerSession"]["cartItems"]:
            change(each)
        return payloads.text(payload)

    return make


def _all_faults(item: dict[str, Any]) -> None:
    item.update(quantity=0, price="1", sku="", weight="x", height="x", width="x", length="x")
    item["additionalCosts"] = {"packaging": {}}
    del item["name"]


_KEYS = ("quantiy", "pric", "nmae", "categroy", "wieght", "atributes", "additionalCost", "Sku")

MAKERS: Final[dict[str, Maker]] = {
    # Floods of wrong elements.
    "couponCodes full of numbers": _fill_array("couponCodes", "0"),
    "couponCodes full of null": _fill_array("couponCodes", "null"),
    "couponCodes full of empty objects": _fill_array("couponCodes", "{}"),
    "couponCodes full of too long texts": _fill_array("couponCodes", f'"{"x" * 101}"'),
    "couponCodes full of too short texts": _fill_array("couponCodes", '""'),
    "couponCodes full of the same code": _fill_array("couponCodes", '"ABCD"'),
    "couponCodes full of distinct codes": _fill_array("couponCodes", lambda n: f'"C{n:06}"'),
    "couponCodes full of distinct numbers": _fill_array("couponCodes", str),
    "couponCodes full of distinct arrays": _fill_array("couponCodes", lambda n: f"[{n}]"),
    "couponCodes full of distinct objects": _fill_array("couponCodes", lambda n: f'{{"a":{n}}}'),
    "couponCodes full of distinct fractions": _fill_array("couponCodes", lambda n: f"{n}.5"),
    "identifiers full of numbers": _fill_array("identifiers", "0"),
    "identifiers full of texts": _fill_array("identifiers", '"a"'),
    "identifiers full of IP addresses": _fill_array("identifiers", '"1.1.1.1"'),
    "identifiers full of distinct texts": _fill_array("identifiers", lambda n: f'"{n:x}"'),
    "loyaltyCards full of bad texts": _fill_array("loyaltyCards", '" "'),
    "cartItems full of numbers": _fill_array("cartItems", "0"),
    "cartItems full of empty objects": _fill_array("cartItems", "{}"),
    "cartItems full of empty arrays": _fill_array("cartItems", "[]"),
    "cartItems full of small wrong items": _fill_array("cartItems", '{"quantity":0}'),
    "cartItems full of small good items": _fill_array(
        "cartItems", '{"name":"a","sku":"a","quantity":1,"price":1}'
    ),
    "responseContent full of unknown names": lambda: _fill(
        '{"customerSession":{},"responseContent":[', '"a"', "]}"
    ),
    "additionalCosts full of numbers": _fill_object("additionalCosts", lambda n: f'"{n:x}":0'),
    "additionalCosts full of empty objects": _fill_object(
        "additionalCosts", lambda n: f'"{n:x}":{{}}'
    ),
    "additionalCosts of items full of numbers": _fill_items(
        lambda n: f'"{n:x}":0', before=',"additionalCosts":{', after="}"
    ),
    "additionalCosts of items full of empty objects": _fill_items(
        lambda n: f'"{n:x}":{{}}', before=',"additionalCosts":{', after="}"
    ),
    "every item with ten faults": _change_items(_all_faults),
    "a cost without a price in every item": _change_items(
        lambda item: item["additionalCosts"].update(packaging={})
    ),
    # Keys.
    "unknown keys at the top": lambda: _fill(
        '{"customerSession":{},', lambda n: f'"k{n:x}":0', "}"
    ),
    "unknown keys in the session": lambda: _fill(
        '{"customerSession":{', lambda n: f'"k{n:x}":0', "}}"
    ),
    "unknown keys in every item": _fill_items(lambda n: f'"k{n:x}":0'),
    "misspelt keys in every item": _fill_items(lambda n: f'"{_KEYS[n % 8]}{n // 8:x}":0'),
    "misspelt keys in the session": lambda: _fill(
        '{"customerSession":{', lambda n: f'"couponCode{n:x}":0', "}}"
    ),
    "one very long unknown key": lambda: _fill(
        '{"customerSession":{"', "cartItem", '":0}}', separator=""
    ),
    "very long unknown keys in every item": _fill_items(lambda n: f'"k{n:x}{"y" * 900}":0'),
    "read-only keys in every item": _change_items(
        lambda item: item.update(position=0, returnedQuantity=0, remainingQuantity=0)
    ),
    "null in every item": _change_items(
        lambda item: item.update(category=None, weight=None, height=None, width=None)
    ),
    # Free values.
    "attributes of nested arrays, 90 deep": _nested_arrays(90),
    "attributes of nested arrays, 110 deep": _nested_arrays(110),
    "attributes of small nested objects": _fill_object(
        "attributes", lambda n: f'"k{n:x}":{{"a":{{"b":{{}}}}}}'
    ),
    "attributes: one list of empty objects": _fill_object(
        "attributes", '"a":[' + "{}," * 690_000 + "{}]"
    ),
    "attributes: one list of empty arrays": _fill_object(
        "attributes", '"a":[' + "[]," * 690_000 + "[]]"
    ),
    "attributes with impossible names": _fill_object("attributes", lambda n: f'"k {n:x}":0'),
    "attributes of items with impossible names": _fill_items(
        lambda n: f'"k {n:x}":0', before=',"attributes":{', after="}"
    ),
    "attributes of items with nested objects": _fill_items(
        lambda n: f'"k{n:x}":{{"a":{{}}}}', before=',"attributes":{', after="}"
    ),
    "attributes of items, null": _fill_items(
        lambda n: f'"k{n:x}":null', before=',"attributes":{', after="}"
    ),
    # Faults of the text.
    "duplicate keys": _fill_object("attributes", '"a":0'),
    "duplicate empty keys": _fill_object("attributes", '"":0'),
    "duplicate keys in every item": _fill_items('"price":0'),
    "one duplicate key at the end": _damage(lambda text: text[:-1] + b',"customerSession":{}}'),
    "invalid UTF-8 at the end": _damage(lambda text: text[:-2] + b"\xff}}"),
    "1e999 at the end": _damage(lambda text: text[:-1] + b',"a":1e999}'),
    "cut off at the end": _damage(lambda text: text[:-1]),
    "a lone surrogate at the end": _damage(lambda text: text[:-1] + b',"a":"\\ud800"}'),
    "couponCodes full of 1e999": _fill_array("couponCodes", "1e999"),
    "attributes full of 1e999": _fill_object("attributes", lambda n: f'"{n:x}":1e999'),
    "couponCodes full of lone surrogates": _fill_array("couponCodes", '"\\ud800"'),
    "attributes full of lone surrogates": _fill_object(
        "attributes", lambda n: f'"{n:x}":"\\ud800"'
    ),
    "empty arrays, then 1e999": lambda: _fill(
        '{"customerSession":{"attributes":{"a":[', "[]", ",1e999]}}}"
    ),
    "numbers, then 1e999": lambda: _fill(
        '{"customerSession":{"attributes":{"a":[', "0", ",1e999]}}}"
    ),
    "texts, then 1e999": lambda: _fill(
        '{"customerSession":{"attributes":{"a":[', '""', ",1e999]}}}"
    ),
    "keys, then 1e999": lambda: _fill(
        '{"customerSession":{"attributes":{', lambda n: f'"{n:x}":0', ',"a":1e999}}}'
    ),
    "one text of escapes, then 1e999": lambda: _fill('{"a":"', "\\n", '","b":1e999}', separator=""),
    "one text of \\u escapes, then 1e999": lambda: _fill(
        '{"a":"', "\\u00e9", '","b":1e999}', separator=""
    ),
    "one text of control characters": lambda: _fill('{"a":"', "\x01", '"}', separator=""),
    "commas": lambda: _fill("[", ",", "]", separator=""),
    "opening brackets": lambda: _fill("", "[", "", separator=""),
    "opening braces with keys": lambda: _fill("", '{"a":', "", separator=""),
    "line ends, then 1e999": lambda: _fill("[", "\n", "1e999]", separator=""),
    "numbers of 4000 digits": _fill_object("attributes", lambda n: f'"{n:x}":{"9" * 4000}'),
    "a number of 2 million digits": lambda: _fill('{"a":', "9", "}", separator=""),
    "quantities of 4000 digits": _fill_array(
        "cartItems", f'{{"name":"a","sku":"a","quantity":{10**3999},"price":1}}'
    ),
    "prices of 300 digits": _fill_items("0", before=f',"weight":{"9" * 300},"p":[', after="]"),
    "bad literals": _fill_array("couponCodes", "nul"),
    "comments": lambda: _fill("{", "/**/", "}", separator=""),
    "single quotes": _fill_array("couponCodes", "'a'"),
    "identifiers full of 1e999": _fill_array("identifiers", "1e999"),
    "identifiers full of numbers of 30 digits": _fill_array(
        "identifiers", lambda n: f"{10**29 + n}"
    ),
    "an array at the top": lambda: _fill("[", "{}", "]"),
    "a response with an update's items": lambda: _fill(
        '{"created":"x","cartItems":[', '{"name":"a","sku":"a","quantity":1,"price":1}', "]}"
    ),
    "a return of nothing, often": lambda: _fill('{"return":{"returnedCartItems":[', "{}", "]}}"),
    "a response with lists under an unknown key": lambda: _fill(
        '{"effects":[],"customerSession":{"totalDiscounts":0,"created":"x","x":[', "{},[[]]", "]}}"
    ),
    "a response with a list for a text": lambda: _fill(
        '{"effects":[],"customerSession":{"totalDiscounts":0,"referralCode":[', "[]", "]}}"
    ),
    "effects full of empty objects": lambda: _fill('{"effects":[', "{}", "]}"),
    "a response with wrong items": lambda: _fill(
        '{"totalDiscounts":0,"created":"x","cartItems":[', '{"quantity":0}', "]}"
    ),
}
"""Makers of hostile payloads, by what is wrong with them."""
