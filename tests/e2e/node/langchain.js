// Calls the handlers of the LangChain tracer of the official client as LangChain does, without LangChain, and prints the
// session id. HH_API_URL and HH_API_KEY name the server and the key.

const assert = require("node:assert");
const { randomUUID } = require("node:crypto");
const { HoneyHiveLangChainTracer } = require("honeyhive");

// The tracer reports a failed request here and nowhere else.
const reported = [];
console.error = (...parts) => reported.push(parts.join(" "));

async function main() {
  const tracer = new HoneyHiveLangChainTracer({
    apiKey: process.env.HH_API_KEY,
    project: process.env.TEST_PROJECT,
    baseUrl: process.env.HH_API_URL,
    sessionName: "langchain",
    metadata: { plan: "pro" },
  });
  // A session cannot be changed before its start.
  await tracer.setFeedback({ rating: 1 });
  assert.equal(reported.length, 1, String(reported));
  reported.length = 0;

  await tracer.startNewSession();
  const [chain, model, tool, retriever, agent, failing, missing] = Array.from({ length: 7 }, () => randomUUID());
  const named = (name) => ({ id: ["langchain", "provider", name] });
  await tracer.handleChainStart(named("Chain"), { question: "seven?" }, chain, undefined, [], { step: 1 });
  await tracer.handleLLMStart(named("Model"), ["seven?"], model, chain, { temperature: 0.5 }, [], {});
  await tracer.handleLLMEnd({ generations: [[{ text: "sieben", generationInfo: { finish_reason: "stop" } }]] }, model);
  await tracer.handleToolStart(named("Tool"), "7", tool, chain);
  await tracer.handleRetrieverStart(named("Retriever"), "7", retriever, tool);
  await tracer.handleRetrieverEnd([{ pageContent: "sieben" }], retriever);
  await tracer.handleToolEnd("sieben", tool);
  await tracer.handleAgentAction({ tool: "Tool", toolInput: "7", log: "l" }, agent, chain);
  await tracer.handleAgentEnd({ returnValues: { answer: 7 }, log: "l" }, agent, chain);
  await tracer.handleChainEnd({ answer: "sieben" }, chain);

  await tracer.handleChainStart(named("Failing"), {}, failing);
  for (const kind of ["LLM", "Tool", "Retriever"]) {
    const run = randomUUID();
    const input = kind === "LLM" ? ["?"] : "?";
    await tracer[`handle${kind}Start`](named(`Failing ${kind}`), input, run, failing);
    await tracer[`handle${kind}Error`](new Error(`${kind} failed`), run);
  }
  await tracer.handleChainError(new Error("chain failed"), failing);
  await tracer.handleChainEnd({}, missing);

  await tracer.setFeedback({ rating: 5 });
  await tracer.setMetric({ score: 0.5 });
  await tracer.setMetadata({ done: true });
  await tracer.setUserProperties({ user: "u" });
  assert.deepEqual(reported, []);
  console.log(tracer.sessionId);
}

main().catch((error) => {
  console.log(error);
  process.exit(1);
});
