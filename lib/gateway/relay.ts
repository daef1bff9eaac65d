/** The body of an answer on its way to the client: piece by piece as it comes, at the client's pace. */
import { Fault } from "../fault.ts";
import type { Answer } from "./answer.ts";
import { ConnectTimeout } from "./connections.ts";
import type { Deadlines } from "./deadlines.ts";
import type { Stop } from "./stop.ts";
import { UploadStalled } from "./unsent.ts";
import type { WholeEvents } from "./whole-events.ts";

/** How a request ended. `left`: the client went away. */
export type Outcome = "complete" | "failed" | "left";

export interface RelayOptions {
  readonly deadlines: Deadlines;
  /** Ends the request to the upstream. */
  readonly stop: Stop;
  /** What the client is told when the upstream breaks off; null: its connection is cut. */
  readonly epitaph: ((error: unknown) => Uint8Array) | null;
  /** So that what was passed on ends where an epitaph can follow; null: every piece goes on as it comes. */
  readonly events: WholeEvents | null;
  /** Asked at the end: whether it was one. */
  isWhole(): boolean;
  onPiece(piece: Uint8Array): void;
  /** Called exactly once. */
  onEnd(outcome: Outcome, error?: unknown): void;
}

/** What cut a request short when it was not the upstream: a deadline, or the client. */
export function causeOf(error: unknown, { reason }: Stop): unknown {
  return reason ?? error;
}

export class ClientLeft extends Error {
  override readonly name = "ClientLeft";
}

/** The connection ended in good order, and the answer did not. */
class BrokenOff extends Error {
  readonly code = "ConnectionClosed";
}

export function relay(answer: Answer, options: RelayOptions): ReadableStream<Uint8Array> {
  const { deadlines, stop, epitaph, events, isWhole, onPiece, onEnd } = options;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          for (;;) {
            deadlines.wait();
            const value = await answer.read();
            if (value === null) {
              if (!isWhole()) throw new BrokenOff();
              for (const piece of events?.rest() ?? []) controller.enqueue(piece);
              controller.close();
              onEnd("complete");
              return;
            }
            deadlines.moved();
            onPiece(value);
            if (!events) return controller.enqueue(value);
            const whole = events.push(value);
            for (const piece of whole) controller.enqueue(piece);
            if (whole.length > 0) return;
          }
        } catch (error) {
          const cause = causeOf(error, stop);
          if (cause instanceof ClientLeft) {
            onEnd("left");
            controller.error(cause);
            return;
          }
          onEnd("failed", cause);
          if (!epitaph || events?.isInside) return controller.error(cause);
          controller.enqueue(epitaph(cause));
          controller.close();
        }
      },
      cancel() {
        onEnd("left");
        stop.stop(new ClientLeft());
        answer.cancel();
      },
    },
    { highWaterMark: 0 },
  );
}

/** A Fault that says that the upstream failed. */
export function upstreamFault(name: string, error: unknown): Fault {
  if (error instanceof Fault) return error;
  const unreachable = (why: string) =>
    new Fault("upstream", "upstream_unreachable", `${name} cannot be reached: ${why}.`, {}, { cause: error });
  const code = (error as { code?: unknown } | null)?.code;
  if (error instanceof UploadStalled) {
    const seconds = Math.round(error.afterMs / 100) / 10;
    return new Fault("timeout", "upstream_timeout", `${name} took no more of the upload within ${seconds} s.`);
  }
  if (error instanceof ConnectTimeout) return unreachable("its address does not answer");
  if (code === "ECONNREFUSED" || code === "ConnectionRefused") return unreachable("nothing listens at its address");
  if (code === "ENOTFOUND") return unreachable("its host name has no address");
  if (code === "ECONNRESET" || code === "ConnectionClosed")
    return new Fault("upstream", "upstream_closed", `${name} closed the connection before its answer was complete.`);
  return new Fault(
    "upstream",
    "upstream_failed",
    `${name} could not be asked, or gave no valid answer.`,
    {},
    { cause: error },
  );
}
