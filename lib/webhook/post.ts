/** One attempt over HTTP: bounded in time, never redirected, its answer not read. The address is judged after the name is resolved. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { isLoop } from "./loop.ts";
import { type AttemptError, type Outcome, retryAfterMs } from "./retry.ts";
import { addressRefusal, hostOf, portOf, urlRefusal } from "./url-rule.ts";

export interface PostRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface PostLimits {
  /** Name, connection and answer together. */
  readonly deadlineMs: number;
  /** Port of the controller; null while it does not listen. */
  readonly ownPort: number | null;
  /** All addresses of a name. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
}

const MOST_ADDRESSES = 3;
const CANNOT_CONNECT = /refused|unreachable|FailedToOpenSocket|ConnectionRefused/i;
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS/i;

const failed = (error: AttemptError): Outcome => ({ status: null, error, retryAfterMs: null });

/** IPv4 first: `.local` names may resolve to IPv6 addresses that hang. */
async function resolveAll(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true });
  return found.sort((a, b) => a.family - b.family).map(({ address }) => address);
}

/** Never throws. @param signal gives up at once, as when the controller ends */
export async function post(request: PostRequest, limits: PostLimits, signal: AbortSignal): Promise<Outcome> {
  const { deadlineMs, ownPort, resolve = resolveAll } = limits;
  const until = AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]);
  if (urlRefusal(request.url, ownPort) !== null) return failed("unusable_url");
  const url = new URL(request.url);
  const host = hostOf(url);
  try {
    const addresses = isIP(host) ? [host] : (await unless(until, resolve(host))).slice(0, MOST_ADDRESSES);
    if (addresses.length === 0) return failed("name_not_found");
    if (addresses.some((address) => addressRefusal(address, portOf(url), ownPort) !== null))
      return failed("refused_address");
    return await send(request, url, addresses, until);
  } catch (error) {
    return failed(until.aborted ? "timeout" : kindOf(error));
  }
}

/** Connects to what was judged, not to what the name may mean a moment later. */
async function send(
  { headers, body }: PostRequest,
  url: URL,
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<Outcome> {
  const [address = "", ...others] = addresses;
  const target = new URL(url);
  target.hostname = address.includes(":") ? `[${address.replace(/%.*$/, "")}]` : address;
  try {
    const response = await fetch(target, {
      method: "POST",
      headers: { ...headers, host: url.host },
      body,
      redirect: "manual",
      keepalive: false,
      signal,
      tls: { serverName: hostOf(url) },
    } as RequestInit);
    // What it says is not asked for; an endless answer ends here.
    response.body?.cancel().catch(() => undefined);
    return outcomeOf(response, isLoop(headers, response.headers));
  } catch (error) {
    if (others.length > 0 && !signal.aborted && kindOf(error) === "connection_refused")
      return send({ headers, body, url: "" }, url, others, signal);
    throw error;
  }
}

function outcomeOf({ status, headers }: Response, isLoop: boolean): Outcome {
  if (status >= 200 && status < 300) return { status, error: null, retryAfterMs: null };
  if (isLoop) return { status, error: "loop", retryAfterMs: null };
  const error = status >= 300 && status < 400 ? "redirect" : "status";
  return { status, error, retryAfterMs: retryAfterMs(headers.get("retry-after"), Date.now()) };
}

/** Bun's errors differ by cause in their code only. */
function kindOf(error: unknown): AttemptError {
  const { code = "", message = "" } = error as { code?: string; message?: string };
  if (/ENOTFOUND|EAI_|ENODATA/.test(code)) return "name_not_found";
  if (CERTIFICATE.test(code)) return "certificate";
  return CANNOT_CONNECT.test(`${code} ${message}`) ? "connection_refused" : "network";
}

/** A name server that does not answer holds nobody up. */
function unless<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
