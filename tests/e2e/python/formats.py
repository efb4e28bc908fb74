"""Compares the output formats of the command line, each read by the usual parser of its format."""

import csv
import json
import os
import pathlib

import yaml

folder = pathlib.Path(os.environ["FOLDER"])


def read(name):
    return (folder / name).read_bytes().decode()


expected = json.loads(read("events.json"))
items = expected["items"]
assert items, "no events"

assert yaml.safe_load(read("events.yaml")) == expected, "yaml"

assert [json.loads(line) for line in read("events.jsonl").split("\n") if line] == items, "jsonl"

with open(folder / "events.csv", encoding="utf-8", newline="") as file:
    rows = list(csv.DictReader(file))
assert len(rows) == len(items), "csv"
for row, item in zip(rows, items):
    assert list(row)[: len(item)] == list(item), "csv header"
    assert {"error", "parent_id"} <= set(row), "csv header"
    for name, value in item.items():
        cell = row[name]
        if value is None:
            assert cell == "", name
        elif isinstance(value, str):
            assert cell == value, name
        else:
            assert json.loads(cell) == value, name

selected = {
    **expected,
    "items": [{"error": item.get("error"), "event_name": item["event_name"]} for item in items],
}
assert json.loads(read("selected.json")) == selected, "--json"

names = [item["event_name"] for item in items]
assert read("names.txt") == "".join(f"{name}\n" for name in names), "--jq"
metadata = [json.loads(line) for line in read("metadata.jsonl").split("\n") if line]
assert metadata == [item["metadata"] for item in items], "--jq with objects"
print(len(items))
