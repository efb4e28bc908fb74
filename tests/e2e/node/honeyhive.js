// Traces functions and calls every operation on sessions and events of the official client, and prints the session id.
// None of them deletes a session or an event. A new version of the client with other operations fails here.
// HH_API_URL and HH_API_KEY name the server and the key.

const assert = require("node:assert");
const { HoneyHive, HoneyHiveTracer } = require("honeyhive");
const exported = require("honeyhive");

const url = process.env.HH_API_URL;
const key = process.env.HH_API_KEY;
const project = process.env.TEST_PROJECT;

// Returns a part of the client, which adds the names of its functions to `called`.
function recorded(part, called) {
  return new Proxy(part, {
    get(target, name) {
      called.add(name);
      return target[name].bind(target);
    },
  });
}

function functions(part) {
  return Object.getOwnPropertyNames(Object.getPrototypeOf(part)).filter((name) => name !== "constructor");
}

async function everyCall() {
  const called = new Set();
  const own = new HoneyHive({ bearerAuth: key, serverURL: url });
  const client = { session: recorded(own.session, called), events: recorded(own.events, called) };
  const { sessionId } = await client.session.startSession({
    session: { project, sessionName: "node calls", source: "e2e" },
  });
  await calls(client, sessionId);
  const offered = [...functions(own.session), ...functions(own.events)];
  assert.deepEqual([...called].sort(), offered.sort());
}

async function calls(client, sessionId) {
  const session = await client.session.getSession(sessionId);
  assert.equal(session.eventId, sessionId);

  const event = await client.events.createEvent({
    event: {
      project,
      source: "e2e",
      eventName: "created",
      eventType: "tool",
      sessionId,
      config: {},
      inputs: { i: 1 },
      outputs: { o: 2 },
      duration: 12.5,
      metadata: { cost: 0.25 },
    },
  });
  assert.ok(event.success);
  await client.events.updateEvent({ eventId: event.eventId, metrics: { score: 0.5 } });

  const call = {
    project,
    model: "m-1",
    provider: "p",
    messages: [{ role: "user", content: "seven?" }],
    response: { content: "sieben" },
    duration: 42,
    usage: { total_tokens: 3 },
    sessionId,
  };
  const model = await client.events.createModelEvent({ modelEvent: call });
  assert.ok(model.eventId);
  const models = await client.events.createModelEventBatch({ modelEvents: [call, call], isSingleSession: true });
  assert.equal(models.eventIds.length, 2);

  const batch = await client.events.createEventBatch({
    events: [1, 2].map((number) => ({
      project,
      source: "e2e",
      eventName: `step ${number}`,
      eventType: "chain",
      config: {},
      inputs: { number },
      duration: number,
      metadata: { cost: number },
    })),
    isSingleSession: true,
    sessionProperties: { sessionName: "batch" },
  });
  assert.equal(batch.eventIds.length, 2);
  assert.ok(batch.sessionId);

  const found = await client.events.getEvents({
    project,
    filters: [{ field: "metadata.cost", operator: "greater than", value: "0.5", type: "number" }],
    dateRange: { $gte: "2020-01-01T00:00:00Z", $lte: "2030-01-01T00:00:00Z" },
    limit: 1,
    page: 1,
  });
  assert.equal(found.totalEvents, 2);
  assert.equal(found.events.length, 1);
}

async function main() {
  const tracer = await HoneyHiveTracer.init({
    apiKey: key,
    project,
    sessionName: "node client",
    source: "e2e",
    serverUrl: url,
  });
  const ask = tracer.traceFunction({ eventType: "model", eventName: "ask_model" })(async (question) => {
    tracer.enrichSpan({ metadata: { plan: "pro" } });
    return `${question} sieben`;
  });
  await tracer.trace(async () => assert.equal(await ask("seven?"), "seven? sieben"));
  const named = (eventName) => ({ eventName });
  const forms = { traceModel: "by traceModel", traceTool: "by traceTool", traceChain: "by traceChain" };
  for (const [form, name] of Object.entries(forms)) {
    const traced = tracer[form]((value) => value + 1, named(name));
    assert.equal(tracer.trace(() => traced(6)), 7);
    const free = exported[form]((value) => value + 1, named(`exported ${name}`));
    assert.equal(tracer.trace(() => free(6)), 7);
  }
  tracer.logModel({ eventName: "by logModel", outputs: { o: 1 } });
  await tracer.enrichSession({ metadata: { done: true } });
  await exported.enrichSession({ sessionId: tracer.sessionId, feedback: { rating: 5 } });
  await tracer.flush();
  await everyCall();
  console.log(tracer.sessionId);
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
