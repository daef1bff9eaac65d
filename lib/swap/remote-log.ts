/** Reads the logs of one attempt: the launcher's on the head, and each node's container log. */
import type { Node } from "../topology/topology.ts";
import type { JobReading, SparkControl } from "./cluster.ts";
import { LogLines, type Segment } from "./log-lines.ts";

const CHUNK_BYTES = 1 << 20;

interface Source {
  readonly name: string;
  readonly node: Node;
  readonly id: string;
  readonly lines: LogLines;
  offset: number;
}

export interface LogSegment extends Segment {
  readonly source: string;
}

export interface LogReading {
  readonly segments: readonly LogSegment[];
  /** The launcher as of this reading. */
  readonly launcher: Pick<JobReading, "state" | "exitCode">;
  /** Name of a node that was restarted since the launch; null when none was. */
  readonly rebooted: string | null;
  /** There is more to read right now. */
  readonly more: boolean;
}

export class RemoteLog {
  readonly #launcher: Source;
  readonly #keepers: readonly Source[];

  constructor(
    private readonly control: SparkControl,
    nodes: readonly [Node, ...Node[]],
    launchId: string,
  ) {
    this.#launcher = { name: "launch", node: nodes[0], id: launchId, lines: new LogLines(), offset: 0 };
    this.#keepers = nodes.map((node) => ({
      name: node.name,
      node,
      id: `${launchId}-log`,
      lines: new LogLines(),
      offset: 0,
    }));
  }

  async read(signal: AbortSignal): Promise<LogReading> {
    const [launcher, ...keepers] = await Promise.all(
      [this.#launcher, ...this.#keepers].map(async (source) => ({
        source,
        reading: await this.#readOne(source, signal),
      })),
    );
    const readings = [launcher!, ...keepers];
    return {
      segments: readings.flatMap(({ source, reading }) => segmentsOf(source, reading)),
      launcher: launcher!.reading,
      rebooted: readings.find(({ reading }) => reading.state === "rebooted")?.source.node.name ?? null,
      more: readings.some(({ reading }) => reading.chunk.length === CHUNK_BYTES),
    };
  }

  async #readOne(source: Source, signal: AbortSignal): Promise<JobReading> {
    return this.control.readJob(source.node, source.id, source.offset, CHUNK_BYTES, signal);
  }
}

function segmentsOf(source: Source, reading: JobReading): LogSegment[] {
  source.offset = reading.nextOffset;
  const skipped: Segment[] =
    reading.skipped > 0 ? [{ text: `… ${reading.skipped} bytes of this log were dropped …`, final: true }] : [];
  const ended = reading.state === "exited" || reading.state === "vanished";
  const rest = ended && reading.chunk.length < CHUNK_BYTES;
  const segments = [...skipped, ...source.lines.push(reading.chunk), ...(rest ? source.lines.end() : [])];
  return segments.map((segment) => ({ ...segment, source: source.name }));
}
