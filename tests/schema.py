"""The part of JSON Schema that ccbill's own schema uses, checked without a library."""

from __future__ import annotations

import re
from typing import Any

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
KNOWN = {
    *("$schema", "title", "description", "$defs", "$ref", "anyOf", "type", "enum", "const"),
    *("properties", "required", "additionalProperties", "items", "minItems", "minLength"),
    *("minimum", "pattern"),
}


def faults(value: Any, schema: dict[str, Any], whole: dict[str, Any], at: str = "") -> list[str]:
    """Where the value is not as the schema says."""
    assert set(schema) <= KNOWN, set(schema) - KNOWN
    if "$ref" in schema:
        return faults(value, whole["$defs"][schema["$ref"].rpartition("/")[2]], whole, at)
    if "anyOf" in schema:
        found = [faults(value, each, whole, at) for each in schema["anyOf"]]
        return [] if [] in found else min(found, key=len)
    wrong = [] if _typed(value, schema) else [f"{at}: {value!r} is no {schema.get('type')}"]
    if "enum" in schema and value not in schema["enum"]:
        wrong.append(f"{at}: {value!r} is not one of {schema['enum']}")
    if "const" in schema and value != schema["const"]:
        wrong.append(f"{at}: {value!r} is not {schema['const']}")
    if isinstance(value, str):
        if not re.search(schema.get("pattern", ""), value):
            wrong.append(f"{at}: {value!r} is not like {schema['pattern']}")
        if len(value) < schema.get("minLength", 0):
            wrong.append(f"{at}: is too short")
    if isinstance(value, int) and value < schema.get("minimum", value):
        wrong.append(f"{at}: {value} is below {schema['minimum']}")
    if isinstance(value, list):
        if len(value) < schema.get("minItems", 0):
            wrong.append(f"{at}: has too few")
        for n, each in enumerate(value):
            wrong += faults(each, schema.get("items", {}), whole, f"{at}[{n}]")
    return wrong + (_of_object(value, schema, whole, at) if isinstance(value, dict) else [])


def _typed(value: Any, schema: dict[str, Any]) -> bool:
    types = schema.get("type", [*TYPES])
    allowed = {
        each for name in ([types] if isinstance(types, str) else types) for each in TYPES[name]
    }
    return type(value) in allowed


def _of_object(
    value: dict[str, Any], schema: dict[str, Any], whole: dict[str, Any], at: str
) -> list[str]:
    wrong = [f"{at}: lacks {name}" for name in schema.get("required", []) if name not in value]
    properties = schema.get("properties", {})
    more = schema.get("additionalProperties", True)
    for name, each in value.items():
        inner = properties.get(name, more)
        if inner is False:
            wrong.append(f"{at}: {name} is not known")
        elif inner is not True:
            wrong += faults(each, inner, whole, f"{at}.{name}")
    return wrong
