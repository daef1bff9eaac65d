/** How large a body may be, and how it is read. Control routes take little: deep JSON is costly to parse. */
import { Fault } from "../fault.ts";
import { type Pace, PacedReader } from "../upload-pace.ts";

export const CONTROL_BODY_BYTES = 64 * 1024;
/** Texts to redact or to search with: many documents in one call. */
const TEXT_BODY_BYTES = 8 * 1024 * 1024;
const TEXT_PATHS = ["/scrub", "/rehydrate", "/api/search", "/v1/rerank"];
const STREAMED_FOLDERS = ["/v1/", "/api/audio/"];
/** Asked of the loaded vLLM as it is, outside the folders. */
const STREAMED_PATHS = ["/tokenize"];

/** True where the route itself reads the body: uploads and proxied bodies, of any content type. */
export const isStreamed = (path: string): boolean =>
  !TEXT_PATHS.includes(path) &&
  (STREAMED_FOLDERS.some((folder) => path.startsWith(folder)) || STREAMED_PATHS.includes(path));

/** Bytes; null where the route looks after itself. */
export function bodyLimit(path: string): number | null {
  if (isStreamed(path)) return null;
  return TEXT_PATHS.includes(path) ? TEXT_BODY_BYTES : CONTROL_BODY_BYTES;
}

export const isJson = (contentType: string | null): boolean =>
  /^application\/(?:[a-z0-9.-]+\+)?json\s*(?:;|$)/i.test(contentType?.trim() ?? "");

export function tooLarge(limit: number): Fault {
  return new Fault("too_large", "too_large", `The body is larger than the ${limit} bytes accepted here.`, {
    limit_bytes: limit,
  });
}

/** Whether a body may take longer than a connection may be silent. @param limit bytes that are accepted there */
export function mayBeLong({ headers }: Request, limit: number): boolean {
  const length = headers.get("content-length");
  return limit > CONTROL_BODY_BYTES && (length === null || Number(length) > CONTROL_BODY_BYTES);
}

/** Counts while reading: a chunked body does not say its length beforehand. @throws Fault too_large, slow, malformed */
export async function readJson(request: Request, limit: number, pace: Pace): Promise<unknown> {
  const reader = request.body ? new PacedReader(request.body.getReader(), pace) : null;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (let chunk = await reader?.read(); chunk; chunk = await reader?.read()) {
    size += chunk.byteLength;
    if (size > limit) {
      void reader?.cancel();
      throw tooLarge(limit);
    }
    chunks.push(chunk);
  }
  if (size === 0) return undefined;
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks)));
  } catch (cause) {
    throw new Fault("invalid", "malformed", "The body is not valid JSON.", {}, { cause });
  }
}
