/** Logs of containers for people: the end of it, all that is new, or a file. Each reader has a reading of its own. */
import { Fault } from "../fault.ts";
import { type Node, type Topology, usableNode } from "../topology/topology.ts";
import { type ContainerLine, linesOf, type Mark, pieceOf } from "./container-log.ts";
import type { ServiceBoard } from "./service-board.ts";

export interface ContainerLogMeans {
  readonly board: ServiceBoard;
  topology(): Topology;
  /** With docker's own time in front of each line. @throws Fault */
  read(
    node: Node,
    container: string,
    range: { readonly tail: number; readonly since?: string | undefined },
    signal: AbortSignal,
  ): Promise<string>;
  pause(ms: number, signal: AbortSignal): Promise<void>;
}

export interface Followed {
  readonly lines: readonly ContainerLine[];
  /** Lines are missing before these: the log grew faster than it is read. */
  readonly gap: boolean;
  /** Why it cannot be read at the moment; null when it can. */
  readonly trouble: string | null;
}

const FOLLOW_MS = 1_000;
const LINES_A_READ = 2_000;

export class ContainerLogs {
  constructor(private readonly means: ContainerLogMeans) {}

  /** The last lines, oldest first. @throws Fault 404; 409 `not_possible`, `no_container`; 502 */
  async tail(name: string, lines: number, signal: AbortSignal): Promise<ContainerLine[]> {
    const { node, container } = this.#place(name);
    return linesOf(await this.means.read(node, container, { tail: lines }, signal)).slice(-lines);
  }

  /** Where the log is, so that a request for one that is not there is refused before a stream begins. @throws Fault */
  require(name: string): void {
    this.#place(name);
  }

  /** The last lines, then what comes, until the signal. A Spark that is away, or a container that is made anew, is waited for. */
  async *follow(name: string, tail: number, signal: AbortSignal): AsyncGenerator<Followed, void, unknown> {
    const { read, pause } = this.means;
    let mark: Mark | null = null;
    let trouble: string | null = null;
    while (!signal.aborted) {
      try {
        const { node, container } = this.#place(name);
        const most: number = mark === null ? tail : LINES_A_READ;
        const text: string = await read(node, container, { tail: most, since: mark?.at }, signal);
        const piece = pieceOf(text, mark, most);
        const isFirst = mark === null;
        mark = piece.mark;
        if (isFirst || piece.lines.length > 0 || trouble !== null)
          yield { lines: piece.lines, gap: piece.gap, trouble: null };
        trouble = null;
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof Fault)) throw error;
        if (error.message !== trouble) yield { lines: [], gap: false, trouble: error.message };
        trouble = error.message;
      }
      await pause(FOLLOW_MS, signal).catch(() => undefined);
    }
  }

  #place(name: string): { readonly node: Node; readonly container: string } {
    const subject = this.means.board.subject(name);
    const [nodeName, container] =
      subject.of === "slot"
        ? [subject.slot.nodes[0] ?? null, subject.slot.container]
        : [subject.service.node, subject.service.container];
    const node = nodeName === null ? undefined : usableNode(this.means.topology(), nodeName);
    if (!node || container === null)
      throw new Fault("conflict", "not_possible", `${name} does not run on a Spark that is managed here.`);
    return { node, container };
  }
}
