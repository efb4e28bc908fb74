"""Starts a session, logs an event and updates it with honeyhive-logger, and prints the session id."""

import os

from honeyhive_logger import log, start, update

place = {"api_key": os.environ["HH_API_KEY"], "server_url": os.environ["HH_API_URL"], "verbose": True}
session = start(project=os.environ["TEST_PROJECT"], session_name="logger", source="e2e", **place)
event = log(
    project=os.environ["TEST_PROJECT"],
    source="e2e",
    event_name="search",
    event_type="tool",
    inputs={"query": "why"},
    outputs={"hits": 2},
    metadata={"m": 1},
    session_id=session,
    duration_ms=25,
    **place,
)
update(event_id=event, metadata={"n": 2}, feedback={"rating": 5}, **place)
print(session)
