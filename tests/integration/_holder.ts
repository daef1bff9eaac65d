/**
 * A holder of a reservation as a process of its own: `bun _holder.ts URL TTL_SECONDS`. Says what it holds, waits for a line on
 * stdin, then tries everything that a holder may do, and says what came of it.
 */
import { withReservation } from "../../lib/client/reservation.ts";
import { ReservationLost } from "../../lib/client/reservation-errors.ts";

const [url = "", ttl = ""] = process.argv.slice(2);

interface Tried {
  readonly what: string;
  readonly status: number;
  readonly code: string | null;
}

async function call(what: string, method: string, path: string, token: string, body?: unknown): Promise<Tried> {
  const answer = await fetch(url + path, {
    method,
    headers: { "x-swap-lock-token": token, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const { code = null } = (await answer.json()) as { code?: string };
  return { what, status: answer.status, code };
}

async function told(): Promise<string> {
  for await (const line of console) return line;
  throw new Error("stdin ended");
}

const work = withReservation(
  url,
  { holder: "sleeper", ttlSeconds: Number(ttl) },
  async ({ token, generation, signal }) => {
    console.log(JSON.stringify({ token, generation }));
    const running = await told();
    const tried = [
      await call("swap", "POST", "/api/swap", token, { model: "gpt-oss-20b" }),
      await call("cancel", "DELETE", `/api/swap/${running}`, token),
      await call("renew", "POST", "/api/swap/lock", token, { holder: "sleeper" }),
      await call("release", "DELETE", "/api/swap/lock", token),
    ];
    console.log(JSON.stringify({ tried, aborted: signal.aborted }));
  },
);
console.log(
  JSON.stringify({
    lost: await work.then(
      () => false,
      (error) => error instanceof ReservationLost,
    ),
  }),
);
