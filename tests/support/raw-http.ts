/** HTTP/1.1 over a bare socket: a request in exactly these pieces, and what came back, byte for byte. */
import { connect, type Socket } from "node:net";

export interface RawAnswer {
  readonly status: number;
  /** Names lower-cased; of several the last. */
  readonly headers: ReadonlyMap<string, string>;
  /** Without the framing. */
  readonly body: Buffer;
  /** False when the connection was cut before the end that the framing promises. */
  readonly isComplete: boolean;
}

export type Framing = "length" | "chunked";

const CRLF = "\r\n";

/** @param pieces each is a write of its own, and a chunk of its own */
export async function exchange(
  port: number,
  head: { readonly path: string; readonly framing: Framing; readonly headers?: Readonly<Record<string, string>> },
  pieces: readonly Uint8Array[],
): Promise<RawAnswer> {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const framed = head.framing === "length" ? `content-length: ${length}` : "transfer-encoding: chunked";
  const lines = Object.entries(head.headers ?? {}).map(([name, value]) => `${name}: ${value}`);
  const text = [`POST ${head.path} HTTP/1.1`, "host: localhost", "connection: close", framed, ...lines, "", ""];
  const socket = await opened(port);
  const answer = whole(socket);
  const write = (data: Uint8Array | string) => new Promise<void>((resolve) => void socket.write(data, () => resolve()));
  await write(text.join(CRLF));
  for (const piece of pieces) {
    if (head.framing === "length") await write(piece);
    else if (piece.length > 0)
      await write(Buffer.concat([Buffer.from(piece.length.toString(16) + CRLF), piece, Buffer.from(CRLF)]));
  }
  if (head.framing === "chunked") await write(`0${CRLF}${CRLF}`);
  return parsed(await answer);
}

export function opened(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => resolve(socket));
    socket.setNoDelay(true);
    socket.once("error", reject);
  });
}

/** Everything that comes until the other side closes. */
export function whole(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  socket.on("data", (data) => parts.push(data));
  socket.on("error", () => undefined);
  return new Promise((resolve) => socket.on("close", () => resolve(Buffer.concat(parts))));
}

export function parsed(bytes: Buffer): RawAnswer {
  const end = bytes.indexOf(CRLF + CRLF);
  const [first = "", ...lines] = bytes.subarray(0, Math.max(0, end)).toString("latin1").split(CRLF);
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  const rest = bytes.subarray(end + 4);
  const status = Number(first.split(" ")[1]);
  if (headers.get("transfer-encoding") === "chunked") return { status, headers, ...dechunked(rest) };
  const length = Number(headers.get("content-length") ?? rest.length);
  return { status, headers, body: rest.subarray(0, length), isComplete: rest.length === length };
}

function dechunked(bytes: Buffer): Pick<RawAnswer, "body" | "isComplete"> {
  const parts: Buffer[] = [];
  let at = 0;
  while (true) {
    const end = bytes.indexOf(CRLF, at);
    const size = end === -1 ? Number.NaN : Number.parseInt(bytes.subarray(at, end).toString("latin1"), 16);
    if (!(size > 0)) return { body: Buffer.concat(parts), isComplete: size === 0 };
    parts.push(bytes.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
}
