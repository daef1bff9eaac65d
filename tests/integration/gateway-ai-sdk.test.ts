/** The `ai` package with its OpenAI-compatible provider, and the tools of the official client, unchanged against the gateway. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, embedMany, generateText, stepCountIs, streamText, tool } from "ai";
import OpenAI from "openai";
import { z } from "zod";
import { type GatewayApp, MODEL, startGatewayApp } from "../support/gateway-app.ts";
import { startToolVllm, type ToolVllm } from "../support/tool-vllm.ts";
import { until } from "../support/until.ts";

let vllm: ToolVllm;
let app: GatewayApp;
let provider: ReturnType<typeof createOpenAICompatible>;
beforeAll(async () => {
  vllm = startToolVllm();
  app = await startGatewayApp({ upstream: vllm.url });
  provider = createOpenAICompatible({ name: "spark", baseURL: `${app.url}/v1`, apiKey: "any", includeUsage: true });
});
afterAll(async () => {
  await app.close();
  await vllm.close();
});

const CITY = "Zürich 😀";
const weather = tool({
  description: "The weather of a city",
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `sunny in ${city}`,
});
const failure = (work: PromiseLike<unknown>) =>
  Promise.resolve(work).then(
    () => null,
    (error: unknown) => error,
  );

describe("the ai package", () => {
  test("has a chat answered whole", async () => {
    const { text, usage, finishReason } = await generateText({ model: provider(MODEL), prompt: "Grüezi 漢字" });

    expect([text, finishReason, usage.outputTokens]).toEqual(['You said "Grüezi 漢字".', "stop", 7]);
  });

  test("streams a chat, with usage", async () => {
    const { textStream, usage } = streamText({ model: provider("model-one"), prompt: "Hello" });
    const parts = await Array.fromAsync(textStream);

    expect([parts.length > 1, parts.join("")]).toEqual([true, 'You said "Hello".']);
    expect((await usage).inputTokens).toBe(12);
  });

  test("calls a tool, and has what it said used", async () => {
    const { text, steps } = await generateText({
      model: provider(MODEL),
      prompt: "How is the weather?",
      tools: { weather },
      stopWhen: stepCountIs(3),
    });

    expect(steps[0]?.toolCalls[0]).toMatchObject({ toolName: "weather", input: { city: CITY } });
    expect(text).toContain(`sunny in ${CITY}`);
    expect(vllm.asked.at(-1)?.messages.at(-1)?.role).toBe("tool");
  });

  test("calls a tool out of a stream", async () => {
    const { textStream, steps } = streamText({
      model: provider(MODEL),
      prompt: "How is the weather?",
      tools: { weather },
      stopWhen: stepCountIs(3),
    });
    const text = (await Array.fromAsync(textStream)).join("");

    expect((await steps)[0]?.toolCalls[0]).toMatchObject({ toolName: "weather", input: { city: CITY } });
    expect(text).toContain(`sunny in ${CITY}`);
  });

  test("embeds", async () => {
    const { embeddings } = await embedMany({ model: provider.embeddingModel("bge-m3"), values: ["a", "bcd"] });

    expect(embeddings).toEqual([
      [1, 0.5, -1],
      [3, 0.5, -1],
    ]);
  });

  test("that gives up in the middle of a stream frees the model", async () => {
    const leaves = new AbortController();
    const before = vllm.left();
    const { textStream } = streamText({
      model: provider(MODEL),
      prompt: "endless",
      abortSignal: leaves.signal,
      onError: () => undefined,
    });
    let count = 0;
    for await (const _ of textStream) if (++count === 5) leaves.abort();
    await until("the model is free", () => vllm.left() > before);
    await until("nothing is in flight", () => app.gateway.load().every(({ inFlight }) => inFlight === 0));

    expect(count).toBeGreaterThanOrEqual(5);
    expect(app.ended.at(-1)?.outcome).toBe("left");
  });

  test("is told of a model that is not loaded, once", async () => {
    const before = vllm.asked.length;
    const error = await failure(generateText({ model: provider("other"), prompt: "Hello", maxRetries: 3 }));

    expect(APICallError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({ statusCode: 404, isRetryable: false });
    expect((error as APICallError).message).toContain("not loaded");
    expect(vllm.asked).toHaveLength(before);
  });

  test("is told what the model itself refuses", async () => {
    const error = await failure(generateText({ model: provider(MODEL), prompt: "too long", maxRetries: 0 }));

    expect(error).toMatchObject({ statusCode: 400, message: "This model's maximum context length is 10." });
  });
});

describe("the openai package", () => {
  const client = () => new OpenAI({ baseURL: `${app.url}/v1`, apiKey: "any", maxRetries: 0 });
  const asked = {
    model: MODEL,
    messages: [{ role: "user" as const, content: "How is the weather?" }],
    tools: [
      {
        type: "function" as const,
        function: { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } } } },
      },
    ],
  };

  test("is told of a tool's call, whole", async () => {
    const got = await client().chat.completions.create(asked);
    const [call] = got.choices[0]?.message.tool_calls ?? [];

    expect(got.choices[0]?.finish_reason).toBe("tool_calls");
    expect(call).toMatchObject({ type: "function", function: { name: "weather" } });
    expect(JSON.parse((call as { function: { arguments: string } }).function.arguments)).toEqual({ city: CITY });
  });

  test("runs a tool out of a stream", async () => {
    const cities: string[] = [];
    const runner = client().chat.completions.runTools({
      ...asked,
      stream: true,
      tools: [
        {
          type: "function",
          function: {
            name: "weather",
            description: "The weather of a city",
            parameters: { type: "object", properties: { city: { type: "string" } } },
            parse: JSON.parse,
            function: ({ city }: { city: string }) => {
              cities.push(city);
              return `sunny in ${city}`;
            },
          },
        },
      ],
    });

    expect(await runner.finalContent()).toContain(`sunny in ${CITY}`);
    expect(cities).toEqual([CITY]);
  });
});
