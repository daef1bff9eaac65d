/**
 * Reads the logs of one attempt: the launcher's on the head, and each node's container log. Where a part of one is in the
 * store already, a line begins anew behind it, so that what is known and what is new are told apart to the byte.
 */
import type { Node } from "../topology/topology.ts";
import type { JobReading, SparkControl } from "./cluster.ts";
import { LogLines, type Segment } from "./log-lines.ts";
import { pause } from "./run.ts";
import type { Timing } from "./timing.ts";

const CHUNK_BYTES = 1 << 20;
/** A Spark keeps 72 MiB of a log at most: so many full readings in a row have seen what was there when the first one began. */
const MOST_FULL_READINGS = 96;

interface Source {
  readonly name: string;
  readonly node: Node;
  readonly id: string;
  readonly lines: LogLines;
  /** Up to here the store has it. */
  readonly known: number;
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
  /** There is more to read right now. Of a log that grows faster than it can be read nobody waits for the end: false. */
  readonly more: boolean;
}

export class RemoteLog {
  readonly #launcher: Source;
  readonly #keepers: readonly Source[];
  /** Full readings since the last one that was not. */
  #full = 0;

  constructor(
    private readonly control: SparkControl,
    nodes: readonly [Node, ...Node[]],
    launchId: string,
    /** Up to which byte the store has the log of a source. */
    known: (source: string) => number = () => 0,
  ) {
    const source = (name: string, node: Node, id: string): Source => ({
      ...{ name, node, id, lines: new LogLines() },
      known: known(name),
      offset: 0,
    });
    this.#launcher = source("launch", nodes[0], launchId);
    this.#keepers = nodes.map((node) => source(node.name, node, `${launchId}-log`));
  }

  /** Only what the store does not have yet is read. */
  skipKnown(): void {
    for (const source of [this.#launcher, ...this.#keepers]) {
      source.offset = source.known;
      source.lines.goTo(source.known);
    }
  }

  async read(signal: AbortSignal): Promise<LogReading> {
    const [launcher, ...keepers] = await Promise.all(
      [this.#launcher, ...this.#keepers].map(async (source) => ({
        source,
        reading: await this.control.readJob(source.node, source.id, source.offset, CHUNK_BYTES, signal),
      })),
    );
    const readings = [launcher!, ...keepers];
    this.#full = readings.some(({ reading }) => isFull(reading)) ? this.#full + 1 : 0;
    return {
      segments: readings.flatMap(({ source, reading }) => segmentsOf(source, reading)),
      launcher: launcher!.reading,
      rebooted: readings.find(({ reading }) => reading.state === "rebooted")?.source.node.name ?? null,
      more: this.#full > 0 && this.#full < MOST_FULL_READINGS,
    };
  }

  /**
   * What is left of it once its vLLM has ended, or ought to have.
   * @param take is given every line that is whole
   * @returns how it ended
   */
  async readToEnd(
    take: (line: LogSegment) => unknown,
    { followMs, settleLookMs }: Pick<Timing, "followMs" | "settleLookMs">,
    signal: AbortSignal,
  ): Promise<Pick<LogReading, "launcher" | "rebooted">> {
    const began = performance.now();
    while (true) {
      const { segments, more, launcher, rebooted } = await this.read(signal);
      for (const segment of segments) if (segment.final) take(segment);
      if (more) continue;
      // A container's log may lag behind its end.
      if (performance.now() - began > settleLookMs) return { launcher, rebooted };
      await pause(followMs, signal);
    }
  }
}

const isFull = ({ chunk }: JobReading): boolean => chunk.length === CHUNK_BYTES;

function segmentsOf(source: Source, reading: JobReading): LogSegment[] {
  const { lines, known, offset: asked } = source;
  const { chunk } = reading;
  source.offset = reading.nextOffset;
  const segments: Segment[] = [];
  if (reading.skipped > 0) {
    const begin = asked + reading.skipped;
    segments.push(...lines.end());
    lines.goTo(begin);
    const dropped = begin - Math.max(asked, known);
    if (dropped > 0) segments.push({ text: `… ${dropped} bytes of this log were dropped …`, final: true, end: begin });
  }
  const inStore = Math.max(0, known - (source.offset - chunk.length));
  segments.push(...lines.push(chunk.subarray(0, inStore)));
  if (inStore > 0 && inStore <= chunk.length) segments.push(...lines.end());
  segments.push(...lines.push(chunk.subarray(inStore)));
  const ended = reading.state === "exited" || reading.state === "vanished";
  if (ended && !isFull(reading)) segments.push(...lines.end());
  return segments.map((segment) => ({ ...segment, source: source.name }));
}
