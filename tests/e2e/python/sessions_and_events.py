"""Calls every operation on sessions and events of the official client and prints the session id.

HH_API_URL and HH_API_KEY name the server and the key.
"""

import os

from honeyhive import HoneyHive, HoneyHiveTracer
from honeyhive.models import EventFilter, PostEventBatchRequest, PostEventRequest, UpdateEventRequest


def dicts(events):
    return [event if isinstance(event, dict) else event.model_dump(exclude_unset=True) for event in events]


client = HoneyHive(api_key=os.environ["HH_API_KEY"], base_url=os.environ["HH_API_URL"])

started = client.sessions.start({"session": {"session_name": "python calls", "source": "e2e", "inputs": {"q": 1}}})
session = started.session_id
again = client.sessions.create_session({"session": {"session_id": session, "metadata": {"plan": "pro"}}})
assert again.session_id == session

created = client.events.create(
    PostEventRequest(
        event={
            "event_type": "model",
            "event_name": "chat",
            "session_id": session,
            "source": "e2e",
            "config": {"model": "m"},
            "inputs": {"prompt": "seven?"},
            "outputs": {"text": "sieben"},
            "metadata": {"cost": 0.25},
            "start_time": 1_704_067_200_000,
            "duration": 12.5,
        }
    )
)
assert created.success
client.events.update(UpdateEventRequest(event_id=created.event_id, metrics={"score": 0.5}, metadata={"more": True}))

batch = client.events.create_batch(
    PostEventBatchRequest(
        events=[
            {"event_type": "tool", "event_name": f"step {number}", "inputs": {"n": number}, "metadata": {"cost": number}}
            for number in range(3)
        ],
        is_single_session=True,
        session_properties={"session_name": "batch"},
    )
)
assert batch.success and len(batch.event_ids) == 3
assert batch.session_id != session

exported = client.events.export(
    filters=[EventFilter(field="session_id", operator="is", value=session, type="string")],
    date_range={"$gte": "2020-01-01T00:00:00Z", "$lte": "2030-01-01T00:00:00Z"},
)
assert exported.total_events == 2, exported
chat = next(event for event in dicts(exported.events) if event["event_name"] == "chat")
assert chat["event_id"] == created.event_id
assert chat["metadata"] == {"cost": 0.25, "more": True}, chat
assert chat["metrics"] == {"score": 0.5}

for operator, value, value_type, names in [
    ("greater than", 0.5, "number", ["step 1", "step 2"]),
    ("less than", 0.5, "number", ["chat", "step 0"]),
    ("is", "2", "number", ["step 2"]),
    ("is not", "0.25", "number", ["batch", "python calls", "step 0", "step 1", "step 2"]),
    ("exists", None, "number", ["chat", "step 0", "step 1", "step 2"]),
    ("not exists", None, "string", ["batch", "python calls"]),
]:
    found = client.events.export(
        filters=[{"field": "metadata.cost", "operator": operator, "value": value, "type": value_type}]
    )
    assert sorted(event["event_name"] for event in dicts(found.events)) == names, (operator, found)

listed = client.events.list({"filters": [], "limit": 2, "page": 1, "projections": ["event_name"]})
assert [list(event) for event in dicts(listed.events)] == [["event_name"]] * 2, listed
ordered = client.events.get_by_session_id(batch.session_id)
assert len(ordered.events) == 4

schema = client.experiments.get_schema(dateRange={"$gte": "2020-01-01", "$lte": "2030-01-01"})
assert "metadata.cost" in [field.name for field in schema.fields], schema

tracer = HoneyHiveTracer.init(session_id=session, source="e2e")
event_id = tracer.create_event(
    "by the tracer", event_type="tool", inputs={"i": 1}, outputs={"o": 2}, metadata={"m": 3}
)
assert event_id
tracer.enrich_session(metadata={"done": True})
print(session)
