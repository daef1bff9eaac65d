/** A stand-in of a vLLM that was started with a tool parser, in the shapes of vLLM 0.11: it calls a tool, then uses what that said. */
import { MODEL } from "./gateway-app.ts";

interface Asked {
  readonly messages: readonly { readonly role: string; readonly content?: unknown }[];
  readonly stream?: boolean;
  readonly tools?: readonly { readonly function: { readonly name: string } }[];
}

export interface ToolVllm {
  readonly url: string;
  /** Bodies of the chats that came. */
  readonly asked: Asked[];
  /** Streams that their client has left. */
  left(): number;
  close(): Promise<void>;
}

const ARGUMENTS = ['{"city"', ': "Zür', 'ich 😀"}'];
const base = (object: string) => ({ id: "chatcmpl-1", object, created: 1_760_000_000, model: MODEL });
const usage = { prompt_tokens: 12, completion_tokens: 7, total_tokens: 19 };
const call = (text: string) => ({ id: "call_1", type: "function", function: { name: "weather", arguments: text } });
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

function deltas(asked: Asked): object[] {
  if (asked.tools && asked.messages.at(-1)?.role !== "tool")
    return [
      { role: "assistant", content: "" },
      { tool_calls: [{ index: 0, ...call("") }] },
      ...ARGUMENTS.map((text) => ({ tool_calls: [{ index: 0, function: { arguments: text } }] })),
    ];
  const said = JSON.stringify(asked.messages.at(-1)?.content ?? "");
  return [{ role: "assistant", content: "" }, ...["You said ", said, "."].map((content) => ({ content }))];
}

function whole(asked: Asked): object {
  const isCall = asked.tools && asked.messages.at(-1)?.role !== "tool";
  const said = JSON.stringify(asked.messages.at(-1)?.content ?? "");
  const message = isCall
    ? { role: "assistant", content: null, tool_calls: [call(ARGUMENTS.join(""))] }
    : { role: "assistant", content: `You said ${said}.` };
  const finish_reason = isCall ? "tool_calls" : "stop";
  return { ...base("chat.completion"), choices: [{ index: 0, message, finish_reason }], usage };
}

export function startToolVllm(): ToolVllm {
  const asked: Asked[] = [];
  let left = 0;
  const events = (body: Asked, signal: AbortSignal) =>
    async function* () {
      const isEndless = JSON.stringify(body.messages).includes("endless");
      const parts = deltas(body);
      const finish_reason = parts.some((part) => "tool_calls" in part) ? "tool_calls" : "stop";
      const event = (data: object) => `data: ${JSON.stringify({ ...base("chat.completion.chunk"), ...data })}\n\n`;
      for (const delta of parts) yield event({ choices: [{ index: 0, delta, finish_reason: null }] });
      while (isEndless && !signal.aborted) {
        await sleep(5);
        yield event({ choices: [{ index: 0, delta: { content: "more " }, finish_reason: null }] });
      }
      yield event({ choices: [{ index: 0, delta: {}, finish_reason }] });
      yield event({ choices: [], usage });
      yield "data: [DONE]\n\n";
    };
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/v1/embeddings") {
        const { input } = (await request.json()) as { input: readonly string[] };
        const data = input.map((text, index) => ({ object: "embedding", index, embedding: [text.length, 0.5, -1] }));
        return Response.json({ object: "list", model: "bge-m3", data, usage: { prompt_tokens: 3, total_tokens: 3 } });
      }
      if (pathname !== "/v1/chat/completions") return Response.json({ detail: "Not Found" }, { status: 404 });
      const body = (await request.json()) as Asked;
      asked.push(body);
      if (JSON.stringify(body.messages).includes("too long")) {
        const error = { message: "This model's maximum context length is 10.", type: "BadRequestError", code: 400 };
        return Response.json({ error }, { status: 400 });
      }
      if (!body.stream) return Response.json(whole(body));
      request.signal.addEventListener("abort", () => {
        left++;
      });
      return new Response(events(body, request.signal) as unknown as BodyInit, {
        headers: { "content-type": "text/event-stream; charset=utf-8" },
      });
    },
  });
  return { url: `http://127.0.0.1:${server.port}`, asked, left: () => left, close: () => server.stop(true) };
}
