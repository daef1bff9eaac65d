/** The body of a request on its way to an upstream: its bytes as they came, counted where nobody said how many there are. */
import { Fault } from "../fault.ts";
import { type Pace, PacedReader, UPLOAD_PACE } from "../upload-pace.ts";
import type { Uploading } from "./late-body.ts";
import { type ModelName, ModelScanner } from "./model-name.ts";
import { ReadAhead } from "./read-ahead.ts";
import type { Share } from "./room.ts";

export interface Body {
  /** Null: no body. Bytes where all are there already. */
  readonly content: Uint8Array | ReadableStream<Uint8Array> | null;
  /** Null: not known, sent in chunks. */
  readonly length: number | null;
  /** Of a stream: what reads it. */
  readonly reader?: ReadAhead;
}

export interface NamedBody extends Body {
  readonly model: ModelName | null;
  /** The same body with another name in the place of the model's. */
  renamed(name: string): Body;
}

/** A body that says it is no longer than this is read in one go. */
const WHOLE_BYTES = 64 * 1024;

/** Whether a body comes in one go, within the time that the server gives a connection anyway. */
export function isShort({ headers }: Request): boolean {
  const length = headers.get("content-length");
  return length !== null && LENGTH.test(length) && Number(length) <= WHOLE_BYTES;
}

/** The collector does not see how large the pieces of an upload are: it is asked to look after so many bytes. */
const COLLECT_BYTES = 16 * 1024 * 1024;

export function tooLarge(mostBytes: number): Fault {
  return new Fault("too_large", "too_large", `The body is larger than the ${mostBytes} bytes accepted here.`, {
    limit_bytes: mostBytes,
  });
}

/** One number: of several equal ones Bun makes a list. */
const LENGTH = /^\d+$/;

/** Length of a body as it announces itself; null when it does not. @throws Fault too_large, malformed */
function announced(request: Request, mostBytes: number): number | null {
  const text = request.headers.get("content-length");
  if (text === null) return null;
  if (!LENGTH.test(text))
    throw new Fault("malformed", "length_malformed", "The request must carry at most one Content-Length.");
  const length = Number(text);
  if (length > mostBytes) throw tooLarge(mostBytes);
  return length;
}

/**
 * A body that nobody looks into. A short one is read in one go: it can go out over a connection that is there already.
 * @param uploading told how one goes that is not short
 * @throws Fault too_large
 */
export async function plainBody(
  request: Request,
  mostBytes: number,
  uploading: Uploading,
  pace: Pace = UPLOAD_PACE,
): Promise<Body> {
  const length = announced(request, mostBytes);
  if (length !== null && length <= WHOLE_BYTES) return { content: new Uint8Array(await request.arrayBuffer()), length };
  if (!request.body) return { content: null, length: null };
  const reader = new ReadAhead(new PacedReader(request.body.getReader(), pace));
  return { content: counted([], reader, mostBytes, uploading), length, reader };
}

/** A body with all of it in memory. */
export class WholeBody implements NamedBody {
  /** Its bytes tell. */
  readonly length = null;

  constructor(
    readonly content: Uint8Array,
    readonly model: ModelName | null,
  ) {}

  renamed(name: string): Body {
    const content = this.model ? joined(renamedPieces(this.content, this.model, name)) : this.content;
    return { content, length: null };
  }
}

async function shortBody(request: Request): Promise<NamedBody> {
  const bytes = Buffer.from(await request.arrayBuffer());
  return new WholeBody(bytes, nameIn(new ModelScanner().push(bytes)));
}

/**
 * A JSON body, read as far as the model's name.
 * @param uploading told how one goes that is not short
 * @param share for what is kept of a body that is not short; null for one that is
 * @throws Fault too_large; unavailable: too much is kept already
 */
export function namedBody(
  request: Request,
  mostBytes: number,
  uploading: Uploading,
  share: Share | null,
  pace?: Pace,
): Promise<NamedBody> {
  const length = announced(request, mostBytes);
  return length !== null && length <= WHOLE_BYTES
    ? shortBody(request)
    : longBody(request, length, mostBytes, uploading, share, pace);
}

async function longBody(
  request: Request,
  length: number | null,
  mostBytes: number,
  uploading: Uploading,
  share: Share | null,
  pace: Pace = UPLOAD_PACE,
): Promise<NamedBody> {
  if (!request.body) return new WholeBody(new Uint8Array(), null);
  const reader = new ReadAhead(new PacedReader(request.body.getReader(), pace));
  const scanner = new ModelScanner();
  const head: Uint8Array[] = [];
  let found: ModelName | "absent" | "more" = "more";
  let size = 0;
  while (found === "more") {
    const value = await reader.read();
    if (value === null) return new WholeBody(joined(head), null);
    size += value.byteLength;
    try {
      if (size > mostBytes) throw tooLarge(mostBytes);
      share?.take(value.byteLength);
    } catch (error) {
      void reader.cancel();
      throw error;
    }
    head.push(value);
    found = scanner.push(value);
  }
  const model = nameIn(found);
  const bodyOf = (chunks: Uint8Array[], change: number): Body => ({
    content: counted(chunks, reader, mostBytes + change, uploading),
    length: length === null ? null : length + change,
    reader,
  });
  return {
    ...bodyOf(head, 0),
    model,
    renamed(name) {
      if (!model) return bodyOf(head, 0);
      const chunks = renamedPieces(joined(head), model, name);
      return bodyOf(chunks, chunks[1]!.length - (model.end - model.start));
    },
  };
}

const nameIn = (found: ModelName | "absent" | "more") => (typeof found === "string" ? null : found);

const sizeOf = (chunks: readonly Uint8Array[]) => chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  return chunks.length === 1 ? chunks[0]! : new Uint8Array(Buffer.concat(chunks));
}

/** What was read already, then the rest, no faster than it is taken. */
function counted(
  head: readonly Uint8Array[],
  reader: ReadAhead,
  mostBytes: number,
  uploading: Uploading,
): ReadableStream<Uint8Array> {
  let size = sizeOf(head);
  let collectedAt = size;
  /** The upstream wants no more of it: what becomes of the rest is nobody's failure. */
  let isUnwanted = false;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        for (const chunk of head) controller.enqueue(chunk);
      },
      async pull(controller) {
        try {
          const value = await reader.read();
          if (isUnwanted) return;
          if (value === null) {
            controller.close();
            uploading.uploaded(size);
            return;
          }
          size += value.byteLength;
          if (size > mostBytes) throw tooLarge(mostBytes);
          controller.enqueue(value);
          if (size - collectedAt < COLLECT_BYTES) return;
          collectedAt = size;
          Bun.gc(false);
        } catch (error) {
          if (isUnwanted) return;
          controller.error(error);
          uploading.uploadFailed(error);
          void reader.cancel();
        }
      },
      cancel(reason) {
        isUnwanted = true;
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

/**
 * The same body with all of it in memory.
 * @param onBytes told of each piece as it comes; what it throws ends the reading
 * @throws what the reading throws: it was too large, or its sender has left; the signal's reason
 */
export async function wholeBody(
  body: NamedBody,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<WholeBody> {
  if (body instanceof WholeBody) {
    onBytes(body.content.byteLength);
    return body;
  }
  const { content, model } = body;
  const bytes = content instanceof ReadableStream ? await read(content.getReader(), onBytes, signal) : content;
  return new WholeBody(bytes ?? new Uint8Array(), model);
}

async function read(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  // Ends the read that is pending, too.
  const cancel = () => void reader.cancel(signal.reason).catch(() => undefined);
  signal.addEventListener("abort", cancel, { once: true });
  try {
    while (true) {
      signal.throwIfAborted();
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) return joined(pieces);
      onBytes(value.byteLength);
      pieces.push(value);
    }
  } catch (error) {
    cancel();
    throw error;
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

function renamedPieces(bytes: Uint8Array, model: ModelName, name: string): Uint8Array[] {
  const value = new TextEncoder().encode(JSON.stringify(name));
  return [bytes.subarray(0, model.start), value, bytes.subarray(model.end)];
}
