/** Docker of one host: images, containers and what `docker` does to them. */
import { createHash, randomBytes } from "node:crypto";
import { ByteLog } from "./byte-log.ts";
import type { Changes } from "./changes.ts";
import type { ProcessTable, VirtualProcess } from "./processes.ts";
import type { Scheduler } from "./speed.ts";

export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly binds?: readonly string[];
  /** `--rm`: gone, with its log, as soon as it stops. */
  readonly autoRemove: boolean;
  /** Started again after a reboot. */
  readonly restarts?: boolean;
  /** Whether PID 1 ends on SIGTERM; `sleep infinity` does not. */
  readonly obeysTerm?: boolean;
  /** PID 1. */
  readonly main: (process: VirtualProcess, container: Container) => Promise<number>;
}

export class Container {
  readonly id = randomBytes(32).toString("hex");
  /** What `docker logs` shows. */
  readonly log = new ByteLog();
  readonly createdAt = new Date();
  startedAt = new Date();
  finishedAt: Date | null = null;
  running = false;
  exitCode = 0;
  mainPid = 0;

  constructor(readonly spec: ContainerSpec) {}
}

export type RunOutcome =
  | { readonly kind: "started"; readonly container: Container }
  | { readonly kind: "name_taken"; readonly by: Container }
  | { readonly kind: "no_image" };

const TERM_SECONDS = 0.3;

export class Docker {
  readonly #containers = new Map<string, Container>();
  readonly #images = new Map<string, string>();

  constructor(
    private readonly processes: ProcessTable,
    private readonly scheduler: Scheduler,
    private readonly changes: Changes,
  ) {}

  /** @param build what its id is made from */
  addImage(name: string, build = name): void {
    this.#images.set(name, `sha256:${createHash("sha256").update(build).digest("hex")}`);
  }

  /** `name` or `name:latest`. */
  imageId(name: string): string | undefined {
    return this.#images.get(name.replace(/:latest$/, ""));
  }

  /** Newest first, as `docker ps` lists. */
  all(): readonly Container[] {
    return [...this.#containers.values()].reverse();
  }

  /** By name, id or a prefix of the id. */
  find(reference: string): Container | undefined {
    const byName = this.#containers.get(reference);
    if (byName) return byName;
    return reference.length < 4 ? undefined : this.all().find(({ id }) => id.startsWith(reference));
  }

  run(spec: ContainerSpec): RunOutcome {
    const taken = this.#containers.get(spec.name);
    if (taken) return { kind: "name_taken", by: taken };
    if (!this.imageId(spec.image)) return { kind: "no_image" };
    const container = new Container(spec);
    this.#containers.set(spec.name, container);
    this.start(container);
    return { kind: "started", container };
  }

  start(container: Container): void {
    if (container.running) return;
    container.running = true;
    container.startedAt = new Date();
    const { spec, id } = container;
    const { process, exited } = this.processes.spawn(
      { argv: spec.argv, container: id, obeysTerm: spec.obeysTerm ?? false },
      (self) => spec.main(self, container),
    );
    container.mainPid = process.pid;
    // At once, not in a later tick: what is left of a container must not outlive it even for a moment.
    this.processes.onExit(process, () => this.#ended(container, process.exitCode ?? 0));
    void exited;
    this.changes.notify();
  }

  /** SIGTERM, then SIGKILL after `seconds`. */
  async stop(container: Container, seconds: number): Promise<void> {
    if (!container.running) return;
    const main = this.processes.get(container.mainPid);
    await this.scheduler.sleep(main?.obeysTerm ? Math.min(TERM_SECONDS, seconds) : seconds);
    this.kill(container);
  }

  kill(container: Container): void {
    this.processes.get(container.mainPid)?.kill();
  }

  remove(container: Container): void {
    this.kill(container);
    if (this.#containers.get(container.spec.name) === container) this.#containers.delete(container.spec.name);
    this.changes.notify();
  }

  /** Processes inside, PID 1 first. */
  inside(container: Container): readonly VirtualProcess[] {
    return this.processes.all().filter((process) => process.container === container.id);
  }

  #ended(container: Container, code: number): void {
    container.running = false;
    container.exitCode = code;
    container.finishedAt = new Date();
    for (const process of this.inside(container)) process.kill();
    if (container.spec.autoRemove) this.remove(container);
    this.changes.notify();
  }
}
