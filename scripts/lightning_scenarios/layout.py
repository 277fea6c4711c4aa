"""JSON that reads line by line: one for each part of a scenario, one for each log row or phase of hooks."""

import json


def text(document):
    head = {key: value for key, value in document.items() if key != "scenarios"}
    scenarios = ",\n".join(_scenario(each) for each in document["scenarios"])
    return f'{{{_line(head)[1:-1]},"scenarios":[\n{scenarios}\n]}}\n'


def _scenario(scenario):
    return (
        "{\n" + ",\n".join(f" {_line(key)}: {_part(key, value)}" for key, value in scenario.items()) + "\n}"
    )


def _part(key, value):
    if key == "lightning":
        return "[" + ", ".join(_outcome(each) for each in value) + "]"
    return _line(value)


def _outcome(outcome):
    return "{\n" + ",\n".join(f"  {_line(key)}: {_items(value)}" for key, value in outcome.items()) + "\n }"


def _items(value):
    if isinstance(value, list) and value and isinstance(value[0], (str, dict)):
        return "[\n" + ",\n".join(f"   {_line(item)}" for item in value) + "\n  ]"
    return _line(value)


def _line(value):
    return json.dumps(value, separators=(",", ":"), allow_nan=False)
