/** Updates of a bot: the same under the bot's own name and under that of the Matrix bridge. */
import { t } from "elysia";
import { type BotUpdate, BotUpdateSchema, type OutputLine } from "../../../lib/bot/bot-update.ts";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { Fault } from "../../../lib/fault.ts";
import { EventStream, errors } from "../../../lib/http/schemas.ts";
import { pullStream, type SseContext } from "../../../lib/http/sse.ts";
import { Reserved, TokenHeader, TokenQuery } from "../swap/_shapes.ts";
import { ActionBody } from "./_shapes.ts";

export type UpdatePlane = Pick<ControlPlane, "botUpdates" | "services" | "lock">;

/** What Eden's client reads; the type of the 200 is for it alone. */
type UpdateEvent =
  | { event: "update"; data: BotUpdate }
  | { event: "output"; data: { lines: readonly OutputLine[] } }
  | { event: "end"; data: Record<string, never> };

export const MATRIX_BRIDGE = "matrix-bridge";

/** @throws Fault 404 when there was none yet */
export function lastUpdate({ botUpdates }: UpdatePlane, name: string): BotUpdate {
  const update = botUpdates.get(name);
  if (!update) throw new Fault("not_found", "no_update", "This bot was never updated from here.");
  return update;
}

/** @throws Fault 404; 409 `update_running`, `not_possible`; 423 for a token that opens nothing any more; 502 */
export function startUpdate(
  { botUpdates, services, lock }: UpdatePlane,
  name: string,
  { by, token }: { readonly by: string; readonly token: string | null },
): Promise<BotUpdate> {
  const subject = services.subject(name);
  // First whether it is one at all: the reason why not is of no use else.
  if (botUpdates.get(name)?.state !== "running") services.mustBePossible(subject, "update");
  // It makes the container anew. Who shows a token whose time is over restarts nothing, as at a restart itself.
  if (token !== null) lock.permit({ slot: null, nodes: [] }, token);
  return botUpdates.start(name, by);
}

export function streamUpdate(plane: UpdatePlane, name: string, context: SseContext): Response {
  lastUpdate(plane, name);
  return pullStream(context, async function* ({ signal }): AsyncGenerator<UpdateEvent, void, unknown> {
    for await (const told of plane.botUpdates.follow(name, signal))
      yield "update" in told
        ? { event: "update", data: told.update }
        : { event: "output", data: { lines: told.lines } };
    yield { event: "end", data: {} };
  });
}

export const STREAM_RESPONSE = {
  200: t.Unsafe<AsyncGenerator<UpdateEvent, void, unknown>>(EventStream),
  ...errors(404),
};
export const STREAM_WORDS =
  "`output` {lines: [{seq, line}]} from the beginning (the last 5,000 lines at most), `update` (a BotUpdate) whenever a step begins or ends, `end` when it is over.";
/** Where a reservation's token may travel, and what is answered. */
export const START = {
  body: ActionBody,
  query: t.Object(TokenQuery),
  headers: TokenHeader,
  response: { 202: BotUpdateSchema, 423: Reserved, ...errors(404, 409, 422, 502, 504) },
};
export const START_WORDS =
  "`git fetch origin`, `git reset --hard origin/BRANCH`, `docker compose up -d --build` in the bot's checkout, as its own user. The first step that fails ends it, and so does `update_limit_seconds`. It goes on while Spark Control restarts. With the token of a reservation that has ended it is 423.";
