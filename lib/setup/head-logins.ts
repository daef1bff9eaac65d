/** Whether the first Spark may log in at the others, asked now and then while somebody wants to know. */
import { type Static, Type } from "@sinclair/typebox";
import { Fault } from "../fault.ts";
import { isoTime } from "../ids.ts";
import { Nullable, OneOf } from "../schema.ts";
import { onNode, targetOf } from "../spark/spark-ssh.ts";
import type { Ssh } from "../ssh/ssh.ts";
import type { SparkControl } from "../swap/cluster.ts";
import { SLOT_DEFAULTS } from "../topology/load-slots.ts";
import type { Node, Topology } from "../topology/topology.ts";
import { FixSchema } from "./check.ts";
import { findFromHead } from "./find-from-head.ts";
import type { Visit } from "./visit.ts";

const EVERY_MS = 300_000;
const DEADLINE_MS = 15_000;

export const HeadLoginSchema = Type.Object(
  {
    from: Type.String({ description: "The first Spark, which launches models" }),
    to: Type.String(),
    state: OneOf(["ok", "failed", "unknown"]),
    seen: Type.String({ description: "What was found, in one sentence" }),
    fix: Nullable(FixSchema),
    at: Nullable(Type.String({ description: "When it was tried" })),
  },
  { title: "HeadLogin" },
);
export type HeadLogin = Static<typeof HeadLoginSchema>;

export interface HeadLoginsOptions {
  readonly ssh: Pick<Ssh, "exec">;
  readonly control: Pick<SparkControl, "address">;
  topology(): Topology;
  /** Milliseconds since the epoch. */
  now(): number;
  report(error: unknown): void;
}

export class HeadLogins {
  readonly #found = new Map<string, HeadLogin>();
  readonly #closed = new AbortController();
  #askedAt = Number.NEGATIVE_INFINITY;
  #round: Promise<void> | null = null;

  constructor(private readonly options: HeadLoginsOptions) {}

  /** As last seen, and a new try in the background when that is old. */
  list(): HeadLogin[] {
    const { now } = this.options;
    const [head, ...others] = this.#nodes();
    if (!head || others.length === 0) return [];
    if (!this.#round && now() - this.#askedAt >= EVERY_MS && !this.#closed.signal.aborted) {
      this.#askedAt = now();
      this.#round = this.#ask(head, others)
        .catch((error) => {
          if (!this.#closed.signal.aborted) this.options.report(error);
        })
        .finally(() => {
          this.#round = null;
        });
    }
    return others.map(
      ({ name }) =>
        this.#found.get(`${head.name} ${name}`) ?? {
          from: head.name,
          to: name,
          state: "unknown",
          seen: `Whether ${head.name} may log in at ${name} is not known yet.`,
          fix: null,
          at: null,
        },
    );
  }

  /** Resolves when the try that runs now has ended. */
  async settled(): Promise<void> {
    await this.#round;
  }

  async close(): Promise<void> {
    this.#closed.abort(new Error("the controller is shutting down"));
    await this.#round;
  }

  #nodes(): Node[] {
    return this.options.topology().nodes.filter((node) => node.status === "configured");
  }

  async #ask(head: Node, others: readonly Node[]): Promise<void> {
    for (const other of others) {
      if (this.#closed.signal.aborted) return;
      const found = await this.#try(head, other);
      this.#found.set(`${head.name} ${other.name}`, { from: head.name, to: other.name, ...found });
    }
  }

  async #try(head: Node, other: Node): Promise<Omit<HeadLogin, "from" | "to">> {
    const { now } = this.options;
    const at = () => isoTime(now());
    try {
      const [first, worker] = await Promise.all([this.#visit(head, head), this.#visit(other, head)]);
      const { state, seen, fix = null } = await findFromHead(first, worker);
      return { state: state === "ok" ? "ok" : "failed", seen, fix, at: at() };
    } catch (error) {
      this.#closed.signal.throwIfAborted();
      if (!(error instanceof Fault)) throw error;
      return { state: "unknown", seen: error.message, fix: null, at: at() };
    }
  }

  async #visit(node: Node, head: Node): Promise<Visit> {
    const { ssh, control } = this.options;
    const { signal } = this.#closed;
    return {
      node,
      image: SLOT_DEFAULTS.image,
      head: head.name,
      address: await control.address(node, signal),
      exec: (command, deadlineMs = DEADLINE_MS) =>
        onNode(node, () => ssh.exec(targetOf(node), command, { deadlineMs, signal })),
    };
  }
}
