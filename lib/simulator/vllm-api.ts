/** The HTTP side of a simulated vLLM that is ready (shapes of vLLM 0.11's OpenAI server). */
import { randomBytes } from "node:crypto";
import { type AnswerLength, answerTokens, countTokens } from "./chat-text.ts";
import type { Scheduler } from "./speed.ts";
import { streamOf } from "./stream-of.ts";
import type { VllmArguments } from "./vllm-arguments.ts";
import { type RunningRequest, VllmMetrics } from "./vllm-metrics.ts";

const FIRST_TOKEN_SECONDS = 0.18;
const SECONDS_PER_TOKEN = 0.03;
const DEFAULT_MAX_TOKENS = 256;

interface Prompt {
  readonly text: string;
  readonly length: AnswerLength;
  readonly stream: boolean;
  readonly withUsage: boolean;
  readonly chat: boolean;
  readonly model: string;
}

function failure(status: number, message: string, type: string): Response {
  return Response.json({ error: { message, type, param: null, code: status } }, { status });
}

function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

/** Text of a message's `content`: a string, or parts of which the text ones count. */
function contentText(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part) => String(record(part)?.text ?? "")).join(" ");
}

export class VllmApi {
  readonly #metrics: VllmMetrics;
  readonly #created = Math.floor(Date.now() / 1000);

  constructor(
    private readonly args: VllmArguments,
    private readonly scheduler: Scheduler,
  ) {
    this.#metrics = new VllmMetrics(scheduler, args.servedNames[0]!);
  }

  async answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    switch (`${request.method} ${pathname}`) {
      case "GET /health":
      case "GET /ping":
        return new Response(null);
      case "GET /version":
        return Response.json({ version: "0.11.2" });
      case "GET /v1/models":
        return Response.json(this.#models());
      case "GET /metrics":
        return new Response(this.#metrics.text(), { headers: { "content-type": "text/plain; version=0.0.4" } });
      case "POST /tokenize":
        return this.#tokenize(await body(request));
      case "POST /v1/chat/completions":
        return this.#complete(request, true);
      case "POST /v1/completions":
        return this.#complete(request, false);
      default:
        return Response.json({ detail: "Not Found" }, { status: 404 });
    }
  }

  #models(): object {
    const { servedNames, model, maxModelLen } = this.args;
    return {
      object: "list",
      data: servedNames.map((id) => ({
        id,
        object: "model",
        created: this.#created,
        owned_by: "vllm",
        root: model,
        parent: null,
        max_model_len: maxModelLen,
        permission: [],
      })),
    };
  }

  #tokenize(asked: Readonly<Record<string, unknown>> | undefined): Response {
    const count = countTokens(contentText(asked?.prompt));
    return Response.json({
      count,
      max_model_len: this.args.maxModelLen,
      tokens: Array.from({ length: count }, (_, at) => at),
    });
  }

  async #complete(request: Request, chat: boolean): Promise<Response> {
    const asked = await body(request);
    if (!asked) return failure(400, "There was an error parsing the body", "Bad Request");
    const prompt = this.#prompt(asked, chat);
    if (prompt instanceof Response) return prompt;
    const promptTokens = countTokens(prompt.text);
    const tooLong = this.#tooLong(promptTokens, prompt.length.maxTokens, limitOf(asked) !== undefined);
    if (tooLong) return failure(400, tooLong, "BadRequestError");
    const running = this.#metrics.begin(promptTokens);
    try {
      await this.scheduler.sleep(FIRST_TOKEN_SECONDS, request.signal);
      if (prompt.stream) return this.#stream(request, prompt, promptTokens, running);
      const { tokens, cut } = answerTokens(prompt.text, prompt.length);
      await this.scheduler.sleep(SECONDS_PER_TOKEN * tokens.length, request.signal);
      running.generated(tokens.length);
      running.end();
      return Response.json(this.#whole(prompt, promptTokens, tokens, cut));
    } catch (error) {
      running.end();
      throw error;
    }
  }

  #tooLong(promptTokens: number, maxTokens: number, isAsked: boolean): string | undefined {
    const limit = this.args.maxModelLen;
    if (promptTokens > limit) {
      return `This model's maximum context length is ${limit} tokens. However, your request has ${promptTokens} input tokens.`;
    }
    if (!isAsked || promptTokens + maxTokens <= limit) return undefined;
    return `'max_tokens' or 'max_completion_tokens' is too large: ${maxTokens}. This model's maximum context length is ${limit} tokens and your request has ${promptTokens} input tokens.`;
  }

  #prompt(asked: Readonly<Record<string, unknown>>, chat: boolean): Prompt | Response {
    const model = asked.model ?? this.args.servedNames[0]!;
    if (typeof model !== "string" || !this.args.servedNames.includes(model)) {
      return failure(404, `The model \`${String(model)}\` does not exist.`, "NotFoundError");
    }
    const messages = asked.messages;
    if (chat && (!Array.isArray(messages) || messages.length === 0)) {
      return failure(400, "[{'type': 'missing', 'loc': ('body', 'messages'), 'msg': 'Field required'}]", "Bad Request");
    }
    const text = chat ? contentText(record((messages as unknown[]).at(-1))?.content) : contentText(asked.prompt);
    const limit = limitOf(asked) ?? DEFAULT_MAX_TOKENS;
    if (typeof limit !== "number" || limit < 1) {
      return failure(400, `max_tokens must be at least 1, got ${String(limit)}.`, "BadRequestError");
    }
    const withUsage = record(asked.stream_options)?.include_usage === true;
    const least = asked.ignore_eos === true ? limit : asked.min_tokens;
    const length = { maxTokens: limit, minTokens: typeof least === "number" ? least : 0 };
    return { text, length, stream: asked.stream === true, withUsage, chat, model };
  }

  #envelope(prompt: Prompt, id: string, part: "" | ".chunk"): Record<string, unknown> {
    const object = prompt.chat ? `chat.completion${part}` : "text_completion";
    return { id, object, created: Math.floor(Date.now() / 1000), model: prompt.model };
  }

  #whole(prompt: Prompt, promptTokens: number, tokens: readonly string[], cut: boolean): object {
    const text = tokens.join("");
    const finish = { finish_reason: cut ? "length" : "stop", logprobs: null, stop_reason: null };
    const choice = prompt.chat
      ? { index: 0, message: { role: "assistant", content: text, tool_calls: [] }, ...finish }
      : { index: 0, text, ...finish };
    return {
      ...this.#envelope(prompt, requestId(prompt), ""),
      choices: [choice],
      usage: usage(promptTokens, tokens.length),
    };
  }

  #stream(request: Request, prompt: Prompt, promptTokens: number, running: RunningRequest): Response {
    const { tokens, cut } = answerTokens(prompt.text, prompt.length);
    const id = requestId(prompt);
    const envelope = this.#envelope(prompt, id, ".chunk");
    const { scheduler } = this;
    const encoder = new TextEncoder();
    const event = (data: object) => encoder.encode(`data: ${JSON.stringify(data)}\n\n`);
    const chunk = (content: object, finish: string | null) => {
      const choice = prompt.chat ? { index: 0, delta: content } : { index: 0, ...content };
      return event({ ...envelope, choices: [{ ...choice, logprobs: null, finish_reason: finish }] });
    };
    let sent = 0;
    async function* chunks(): AsyncGenerator<Uint8Array> {
      try {
        if (prompt.chat) yield chunk({ role: "assistant", content: "" }, null);
        for (const token of tokens) {
          await scheduler.sleep(SECONDS_PER_TOKEN, request.signal);
          sent += 1;
          running.generated(1);
          yield chunk(prompt.chat ? { content: token } : { text: token }, null);
        }
        yield chunk(prompt.chat ? {} : { text: "" }, cut ? "length" : "stop");
        if (prompt.withUsage) yield event({ ...envelope, choices: [], usage: usage(promptTokens, sent) });
        yield encoder.encode("data: [DONE]\n\n");
      } finally {
        running.end();
      }
    }
    return new Response(streamOf(chunks()), {
      headers: { "content-type": "text/event-stream; charset=utf-8" },
    });
  }
}

function limitOf(asked: Readonly<Record<string, unknown>>): unknown {
  return asked.max_completion_tokens ?? asked.max_tokens ?? undefined;
}

function requestId(prompt: Prompt): string {
  return `${prompt.chat ? "chatcmpl" : "cmpl"}-${randomBytes(16).toString("hex")}`;
}

function usage(promptTokens: number, completionTokens: number): object {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: null,
  };
}

async function body(request: Request): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    return record(await request.json());
  } catch {
    return undefined;
  }
}
