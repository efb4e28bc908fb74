"""Calls every function of the official client that sends sessions or events or reads them, and prints the session id.

This includes the generated functions, the asynchronous ones and the aliases. None of them deletes a session or an event.
A new version of the client with other functions fails here. HH_API_URL and HH_API_KEY name the server and the key.
"""

import asyncio
import inspect
import os

from honeyhive import HoneyHive, HoneyHiveTracer
from honeyhive import models as wrapped
from honeyhive._generated import models
from honeyhive._generated.services import (
    Events_service,
    Sessions_service,
    async_Events_service,
    async_Sessions_service,
)

client = HoneyHive(api_key=os.environ["HH_API_KEY"], base_url=os.environ["HH_API_URL"])
session = client.sessions.start({"session": {"session_name": "every function"}}).session_id
first = client.events.create(
    wrapped.PostEventRequest(
        event={"event_type": "tool", "event_name": "first", "session_id": session, "inputs": {"q": 1}}
    )
).event_id
# The names of the events that the calls create.
created = ["first"]


def event(name):
    created.append(name)
    return {"event_type": "tool", "event_name": name, "session_id": session, "inputs": {"q": 1}}


def model_event(name):
    return event(name) | {"event_type": "model", "model": "m", "messages": [], "usage": {"total_tokens": 3}}


def generated(name):
    """Returns the arguments of the generated functions, which create events with this name."""
    filters = [{"field": "session_id", "operator": "is", "value": session, "type": "string"}]
    dates = {"$gte": "2020-01-01T00:00:00Z", "$lte": "2100-01-01T00:00:00Z"}
    own = {"session_id": session}
    return {
        "startSessionLegacy": {"data": models.LegacyStartSessionRequest(session=own | {"metadata": {name: 1}})},
        "createSession": {"data": models.StartSessionRequest(**own, metadata={name: 2})},
        "addSessionTracesLegacy": own | {"data": models.AddSessionTracesRequest(events=[event(f"{name} 1")])},
        "createSessionEventBatch": own | {"data": models.SessionEventBatchRequest(events=[event(f"{name} 2")])},
        "createEventLegacy": {"data": models.LegacyPostEventRequest(event=event(f"{name} 3"))},
        "createEvent": {"data": models.PostEventRequest(**event(f"{name} 4"))},
        "createEventBatchLegacy": {"data": models.LegacyPostEventBatchRequest(events=[event(f"{name} 5")])},
        "createEventBatch": {"data": models.PostEventBatchRequest(events=[event(f"{name} 6")])},
        "createModelEventLegacy": {"data": models.PostModelEventRequest(model_event=model_event(f"{name} 7"))},
        "createModelEventBatchLegacy": {
            "data": models.PostModelEventBatchRequest(model_events=[model_event(f"{name} 8")])
        },
        "updateEventLegacy": {"data": models.LegacyUpdateEventRequest(event_id=first, metadata={name: 3})},
        "updateEvent": {"event_id": first, "data": models.UpdateEventRequest(metrics={name: 4})},
        "getEvent": {"event_id": first},
        "exportEventsLegacy": {"data": models.LegacyExportEventsRequest(filters=filters, dateRange=dates, limit=5)},
        "searchEvents": {"data": models.SearchEventsRequest(filters=filters, limit=5)},
        "getEventsSchemaLegacy": {},
    }


def wrappers(name):
    """Returns the arguments of the functions of `client.sessions` and `client.events`."""
    own = {"session": {"session_id": session, "metadata": {name: 5}}}
    update = wrapped.UpdateEventRequest(event_id=first, feedback={name: 6})
    request = lambda text: wrapped.PostEventRequest(event=event(text))
    reads = ["export", "list_events", "get_events"]
    return {
        "start": [own],
        "start_session": [own],
        "create_session": [own],
        "create": [request(f"{name} 9")],
        "create_event": [request(f"{name} 10")],
        "create_batch": [wrapped.PostEventBatchRequest(events=[event(f"{name} 11")])],
        "update": [update],
        "update_event": [update],
        "list": [{"filters": [], "limit": 5}],
        "get_by_session_id": [session],
    } | {name: [] for name in reads}


def functions(module):
    members = inspect.getmembers(module, inspect.isfunction)
    return {name: function for name, function in members if function.__module__ == module.__name__}


def run(name, result):
    """Returns the response of a call."""
    response = asyncio.run(result) if inspect.isawaitable(result) else result
    assert response or name.startswith("update"), name
    return response


config = client.api_config
for name, modules in [
    ("generated", [Sessions_service, Events_service]),
    ("generated async", [async_Sessions_service, async_Events_service]),
]:
    offered = {name: function for module in modules for name, function in functions(module).items()}
    arguments = generated(name)
    assert set(offered) == set(arguments), set(offered) ^ set(arguments)
    for function, values in arguments.items():
        run(function, offered[function](config, **values))

offered = {
    name: getattr(part, name)
    for part in [client.sessions, client.events]
    for name, _ in inspect.getmembers(type(part), inspect.isfunction)
    if not name.startswith("_")
}
known = wrappers("wrapper") | {f"{name}_async": values for name, values in wrappers("wrapper async").items()}
# These have no asynchronous form.
without = {"start_session_async", "create_session_async", "create_event_async", "update_event_async"}
assert set(offered) == set(known) - without, set(offered) ^ set(known)
for name, values in known.items():
    if name in offered:
        run(name, offered[name](*values))
created.remove("wrapper async 10")

tracer = HoneyHiveTracer.init(session_id=session, source="e2e")
assert tracer.create_event("by the tracer")
created.append("by the tracer")
assert tracer.session_start()
assert tracer.create_session("second", metadata={"m": 1})
assert asyncio.run(tracer.acreate_session("third"))
with tracer.with_session("fourth") as fourth:
    assert fourth
    tracer.enrich_session(outputs={"o": 1})

events = client.events.export(
    filters=[{"field": "session_id", "operator": "is", "value": session, "type": "string"}]
).events
names = [event.event_name for event in events]
assert sorted(names) == sorted([*created, "every function"]), names
print(session)
