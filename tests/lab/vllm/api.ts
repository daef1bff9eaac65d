/** The HTTP API of a loaded model. Answers are made of numbered words; `/lab/argv` tells how the process was called. */
import { option, type ServeArguments } from "./arguments.ts";
import type { Behaviour } from "./behaviour.ts";

/** What the routes need to know of the process behind them. */
export interface Serving {
  readonly args: ServeArguments;
  readonly argv: readonly string[];
  readonly behaviour: Behaviour;
  engineAlive(): boolean;
}

interface ChatBody {
  readonly model?: string;
  readonly stream?: boolean;
  readonly max_tokens?: number;
  readonly max_completion_tokens?: number;
}

const counters = { running: 0, prompt: 0, generated: 0, requests: 0 };

function failure(status: number, type: string, message: string): Response {
  return Response.json({ error: { message, type, param: null, code: status } }, { status });
}

function metrics(model: string): string {
  const label = `{engine="0",model_name="${model}"}`;
  const gauge = (name: string, value: number) => `# TYPE ${name} gauge\n${name}${label} ${value.toFixed(1)}\n`;
  const counter = (name: string, value: number) => `# TYPE ${name} counter\n${name}${label} ${value.toFixed(1)}\n`;
  return (
    gauge("vllm:num_requests_running", counters.running) +
    gauge("vllm:num_requests_waiting", 0) +
    gauge("vllm:kv_cache_usage_perc", counters.running > 0 ? 0.1 : 0) +
    counter("vllm:prompt_tokens_total", counters.prompt) +
    counter("vllm:generation_tokens_total", counters.generated) +
    `# TYPE vllm:time_to_first_token_seconds histogram\nvllm:time_to_first_token_seconds_sum${label} ${(counters.requests * 0.05).toFixed(3)}\nvllm:time_to_first_token_seconds_count${label} ${counters.requests}\n`
  );
}

/** One token at a time; ends early when the client has left. */
async function* tokens(count: number, delayMs: number, signal: AbortSignal): AsyncGenerator<string, void> {
  counters.running += 1;
  counters.requests += 1;
  counters.prompt += 8;
  try {
    for (let i = 0; i < count && !signal.aborted; i++) {
      await Bun.sleep(delayMs);
      counters.generated += 1;
      yield `${i === 0 ? "" : " "}word${i}`;
    }
  } finally {
    counters.running -= 1;
  }
}

async function complete(
  request: Request,
  serving: Serving,
  names: readonly string[],
  chat: boolean,
): Promise<Response> {
  const body = (await request.json()) as ChatBody;
  const model = body.model ?? names[0] ?? "";
  if (!names.includes(model)) return failure(404, "NotFoundError", `The model \`${model}\` does not exist.`);
  if (!serving.engineAlive())
    return failure(
      500,
      "InternalServerError",
      "EngineCore encountered an issue. See stack trace (above) for the root cause.",
    );
  const limit = Math.min(
    body.max_completion_tokens ?? body.max_tokens ?? serving.behaviour.tokens,
    serving.behaviour.tokens,
  );
  const id = `${chat ? "chatcmpl" : "cmpl"}-${crypto.randomUUID()}`;
  const created = Math.floor(Date.now() / 1000);
  const words = tokens(limit, serving.behaviour.tokenDelayMs, request.signal);
  if (!body.stream) {
    let text = "";
    for await (const word of words) text += word;
    const choice = chat ? { message: { role: "assistant", content: text } } : { text };
    const usage = { prompt_tokens: 8, completion_tokens: limit, total_tokens: 8 + limit };
    return Response.json({
      id,
      object: chat ? "chat.completion" : "text_completion",
      created,
      model,
      choices: [{ index: 0, ...choice, finish_reason: "stop" }],
      usage,
    });
  }
  const event = (word: string): string => {
    const choice = chat ? { delta: { content: word } } : { text: word };
    const object = chat ? "chat.completion.chunk" : "text_completion";
    return `data: ${JSON.stringify({ id, object, created, model, choices: [{ index: 0, ...choice, finish_reason: null }] })}\n\n`;
  };
  const encoder = new TextEncoder();
  const stream = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const next = await words.next();
      controller.enqueue(encoder.encode(next.done ? "data: [DONE]\n\n" : event(next.value)));
      if (next.done) controller.close();
    },
    cancel: async () => {
      await words.return();
    },
  });
  return new Response(stream, { headers: { "content-type": "text/event-stream; charset=utf-8" } });
}

/** Listens on the host and port of the arguments; throws when the port is taken. */
export function serveApi(serving: Serving): void {
  const { args } = serving;
  const names = args.options.get("--served-model-name") ?? [args.model];
  const length = Number.parseInt(option(args, "--max-model-len", "32768"), 10);
  const created = Math.floor(Date.now() / 1000);
  const data = names.map((id) => ({
    id,
    object: "model",
    created,
    owned_by: "vllm",
    root: args.model,
    parent: null,
    max_model_len: length,
  }));
  Bun.serve({
    hostname: option(args, "--host", "0.0.0.0"),
    port: Number(option(args, "--port", "8000")),
    reusePort: false,
    idleTimeout: 0,
    routes: {
      "/health": () => new Response("", { status: serving.engineAlive() ? 200 : 503 }),
      "/ping": () => new Response("", { status: 200 }),
      "/version": () => Response.json({ version: "0.13.0" }),
      "/v1/models": () => Response.json({ object: "list", data }),
      "/metrics": () =>
        new Response(metrics(names[0] ?? ""), { headers: { "content-type": "text/plain; version=0.0.4" } }),
      "/v1/chat/completions": { POST: (request) => complete(request, serving, names, true) },
      "/v1/completions": { POST: (request) => complete(request, serving, names, false) },
      "/lab/argv": () => Response.json(serving.argv),
    },
    fetch: () => Response.json({ detail: "Not Found" }, { status: 404 }),
  });
}
