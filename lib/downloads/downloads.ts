/**
 * Downloads onto the Sparks by hf-download.sh, as a detached job on the first of them: it goes on without the controller,
 * which follows it by its log and by the sizes of the model's folder.
 */
import { Fault, isAnswerLost } from "../fault.ts";
import { isoTime } from "../ids.ts";
import { isTakenOut, type Node, type Topology, usableNode } from "../topology/topology.ts";
import { type Download, isOver } from "./download.ts";
import type { DownloadStore } from "./download-store.ts";
import { Follower, type FollowerMeans } from "./follower.ts";
import type { DownloadSparks } from "./sparks.ts";

/** Kept free beside what is downloaded. */
const RESERVE_BYTES = 5e9;

export interface DownloadsOptions extends Omit<FollowerMeans, "node" | "isTakenOut" | "onEnd"> {
  readonly store: DownloadStore;
  readonly sparks: DownloadSparks;
  topology(): Topology;
  newId(): string;
  /** Once for each that has ended; within the transaction that keeps it. */
  recordEnd(download: Download): void;
  transaction(work: () => void): void;
}

export interface Wanted {
  readonly repo: string;
  readonly model: string | null;
  readonly bytes: number | null;
  /** Names; the first one downloads. */
  readonly nodes: readonly string[];
}

export class Downloads {
  readonly #followers = new Map<string, Follower>();
  readonly #closed = new AbortController();
  /** Its repository. */
  #starting: string | null = null;

  constructor(private readonly options: DownloadsOptions) {}

  /** Takes up what ran when the last controller ended. */
  start(): void {
    for (const download of this.options.store.all()) if (!isOver(download)) this.#follow(download);
  }

  /** Newest first. */
  list(): Download[] {
    return this.options.store.all().map((kept) => this.#followers.get(kept.id)?.download ?? kept);
  }

  /** @throws Fault 404 */
  get(id: string): Download {
    const found = this.list().find((download) => download.id === id);
    if (!found) throw new Fault("not_found", "unknown_download", "There is no download with this id.");
    return found;
  }

  /** Whether files of the repository are being written now, or will be in a moment. */
  isRunning(repo: string): boolean {
    return this.#starting === repo || this.list().some((download) => download.repo === repo && !isOver(download));
  }

  /**
   * @param signal of whoever orders it: what has begun on a Spark goes on without them
   * @throws Fault 404 unknown Spark; 409 another one runs, no room, no script, foreign Spark; 502 a Spark is out of reach
   */
  async begin(wanted: Wanted, signal: AbortSignal): Promise<Download> {
    const running = this.list().find((download) => !isOver(download));
    if (running || this.#starting !== null)
      throw new Fault(
        "conflict",
        "download_running",
        `${running?.repo ?? "Another model"} is being downloaded. One after the other is as fast; start this one afterwards.`,
        running ? { download_id: running.id } : {},
      );
    this.#starting = wanted.repo;
    try {
      return await this.#begin(wanted, signal);
    } finally {
      this.#starting = null;
    }
  }

  /** @throws Fault 404; 409 it is over */
  cancel(id: string): Download {
    const download = this.get(id);
    const follower = this.#followers.get(id);
    if (isOver(download) || !follower)
      throw new Fault("conflict", "download_over", `This download is over: ${download.state}.`);
    follower.cancel();
    try {
      // While the Spark is out of reach the next controller may be the one that ends it.
      this.options.store.save(follower.download);
    } catch (error) {
      this.options.report(error);
    }
    return follower.download;
  }

  /** What runs on the Sparks goes on. */
  async close(): Promise<void> {
    this.#closed.abort(new Fault("unavailable", "shutting_down", "Spark Control is shutting down."));
    await Promise.all([...this.#followers.values()].map((follower) => follower.close()));
  }

  async #begin({ repo, model, bytes, nodes: names }: Wanted, signal: AbortSignal): Promise<Download> {
    const { sparks, topology, newId, now, store } = this.options;
    const nodes = names.map((name) => {
      const node = usableNode(topology(), name);
      if (!node) throw new Fault("not_found", "unknown_node", `There is no configured Spark "${name.slice(0, 64)}".`);
      return node;
    });
    const [head, ...copies] = nodes;
    if (!head) throw new Fault("unavailable", "not_configured", "There is no Spark to download to.");
    if (!(await sparks.hasScript(head, signal)))
      throw new Fault(
        "conflict",
        "no_download_script",
        `${head.name} has no hf-download.sh in ${head.launch_dir}. Update spark-vllm-docker there (git pull).`,
      );
    await Promise.all(nodes.map((node) => this.#checkRoom(node, repo, bytes, signal)));
    const argv = await this.#argv(repo, copies, signal);
    const { foreign, generation } = await sparks.fence(head, signal);
    if (foreign !== null)
      throw new Fault("conflict", "fenced", `${head.name} belongs to another Spark Control. Take it over first.`, {
        instance: foreign,
      });
    const download: Download = {
      ...{ id: newId(), repo, model, nodes: nodes.map(({ name }) => name), state: "starting" },
      ...{ bytes: null, total_bytes: bytes, progress: null, bytes_per_second: null, eta_seconds: null },
      ...{ on_disk: [], reason: null, advice: null, evidence: null },
      ...{ started_at: isoTime(now()), ended_at: null },
    };
    store.save(download);
    const closed = this.#closed.signal;
    try {
      await sparks.start(head, { id: jobOf(download), generation, argv, cwd: head.launch_dir }, closed);
    } catch (error) {
      // The next controller looks.
      closed.throwIfAborted();
      // Whether it began is not known when the answer was lost: the follower looks.
      if (!isAnswerLost(error)) {
        const reason = error instanceof Fault ? error.message : "The download could not be started.";
        store.save({ ...download, state: "failed", reason, ended_at: isoTime(now()) });
        throw error;
      }
    }
    closed.throwIfAborted();
    return this.#follow(download).download;
  }

  async #checkRoom(node: Node, repo: string, bytes: number | null, signal: AbortSignal): Promise<void> {
    const { sparks } = this.options;
    const [free, there] = await Promise.all([sparks.freeBytes(node, signal), sparks.usage(node, repo, signal)]);
    const needed = Math.max(0, (bytes ?? 0) - (there ?? 0)) + RESERVE_BYTES;
    if (free !== null && free < needed)
      throw new Fault(
        "conflict",
        "no_room",
        `${node.name} has ${gb(free)} free, but ${repo} needs ${gb(needed)} there (${gb(RESERVE_BYTES)} of it to spare). Delete a model first.`,
        { node: node.name, free_bytes: free, needed_bytes: needed },
      );
  }

  /** All hosts in one word, then the user: `-c` of newer scripts takes every word up to the next option. */
  async #argv(repo: string, copies: readonly Node[], signal: AbortSignal): Promise<[string, ...string[]]> {
    const [first] = copies;
    if (!first) return ["./hf-download.sh", repo];
    const addresses = await Promise.all(copies.map((node) => this.options.sparks.address(node, signal)));
    return ["./hf-download.sh", "-c", addresses.join(","), "-u", first.user, repo];
  }

  #follow(download: Download): Follower {
    const { store, transaction, recordEnd, topology } = this.options;
    const follower = new Follower(download, jobOf(download), {
      ...this.options,
      node: (name) => usableNode(topology(), name),
      isTakenOut: (name) => isTakenOut(topology(), name),
      onEnd: (ended) => {
        transaction(() => {
          store.save(ended);
          recordEnd(ended);
        });
        this.#followers.delete(ended.id);
      },
    });
    this.#followers.set(download.id, follower);
    follower.start();
    return follower;
  }
}

/** The ending tells that it is no launch: a swap ends those that it does not know. */
export const jobOf = ({ id }: Pick<Download, "id">): string => `${id}-download`;

const gb = (bytes: number): string => `${(bytes / 1e9).toFixed(bytes < 10e9 ? 1 : 0)} GB`;
