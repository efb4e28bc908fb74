"""Exports two nested spans and one of another trace with the plain OpenTelemetry exporter, protobuf and gzip.

Each span goes in a request of its own when it ends, so the inner one arrives before its parent.
"""

import os

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider = TracerProvider()
provider.add_span_processor(
    SimpleSpanProcessor(
        OTLPSpanExporter(
            endpoint=os.environ["TEST_SERVER"] + "/opentelemetry/v1/traces",
            headers={"Authorization": "Bearer " + os.environ["TEST_KEY"]},
            compression=Compression.Gzip,
        )
    )
)
tracer = provider.get_tracer("e2e")

with tracer.start_as_current_span("lookup") as outer:
    outer.set_attribute("attr.text", "42")
    outer.set_attribute("attr.int", 42)
    outer.set_attribute("attr.float", 2.0)
    outer.set_attribute("attr.bool", True)
    outer.set_attribute("attr.list", [1, 2, 3])
    outer.set_attribute("honeyhive.inputs.prompt", "dotted")
    with tracer.start_as_current_span("chat test-model") as inner:
        inner.set_attribute("gen_ai.operation.name", "chat")
        inner.set_attribute("gen_ai.usage.input_tokens", 12)
        inner.set_attribute("gen_ai.request.temperature", 0.5)

with tracer.start_as_current_span("other trace"):
    pass

assert provider.force_flush()
provider.shutdown()
print("sent")
