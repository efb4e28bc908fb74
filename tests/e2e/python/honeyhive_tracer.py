"""Traces two nested calls with the official client and prints the session id.

HH_API_URL and HH_API_KEY name the server and the key. One tracer a process: after its shutdown a later one sends nothing.
"""

import os

from honeyhive import HoneyHiveTracer, trace

tracer = HoneyHiveTracer.init(
    project=os.environ["TEST_PROJECT"],
    session_name="python client",
    source="e2e",
    inputs={"question": "what is seven?"},
)


@trace(tracer=tracer, event_type="model", event_name="ask_model")
def ask_model(prompt, messages, options, temperature, count, stream):
    tracer.enrich_span(
        metadata={
            "nested": {"flag": True, "level": {"number": 7}},
            "list": [1, "two", 3.5],
            "whole": 42,
            "float": 2.0,
            "large": 2**53 + 1,
            "negative": -1,
            "text": "42",
        },
        metrics={"score": 0.75, "tokens": 128, "passed": False},
        config={"model": "test-model"},
    )
    return {
        "answer": "sieben, 七",
        "tokens": [1, 2, 3],
        "usage": {"total": 12, "cost": 0.5, "cached": False},
    }


@trace(tracer=tracer, event_type="chain", event_name="answer")
def answer(question, limit):
    reply = ask_model(
        question,
        [{"role": "user", "content": question}],
        {"deep": {"list": [1, 2.5, "x", True, None]}, "whole": 2.0},
        0.25,
        3,
        True,
    )
    return len(reply["tokens"])


assert answer("what is seven?", 10) == 3
tracer.enrich_session(
    metadata={"plan": "pro", "nested": {"list": [1, 2.5, True], "whole": 2.0}},
    feedback={"rating": 5, "helpful": True},
    outputs={"final": "seven", "count": 3},
    metrics={"latency": 1.5},
    user_properties={"user_id": "u-1"},
)
assert tracer.flush()
print(tracer.session_id)
