/** Gates on a host: a program whose command line matches a closed gate waits there, and the test sees that it does. */
import { chmod, mkdir, readdir, rename, rm } from "node:fs/promises";
import { until } from "../support/until.ts";
import type { Host } from "./host.ts";

const FOLDER = "../gates";
const REACH_LIMIT_MS = 60_000;

/** The programs that can be held, and what stands behind each. */
const PROGRAMS = { docker: "/run/lab/bin/docker.lab", mv: "/bin/mv" } as const;

const wrapper = (program: string) => `#!/bin/bash
line="\${0##*/} $*"
for gate in /run/lab/gates/*.closed; do
  [ -f "$gate" ] && pattern=$(<"$gate") && [[ $line == $pattern ]] || continue
  echo $$ >>"\${gate%.closed}.reached"
  while [ -f "$gate" ]; do sleep 0.02; done
done
exec ${program} "$@"
`;

export class Gates {
  private constructor(private readonly host: Host) {}

  /** Puts a doorkeeper in front of `docker` and `mv` of that host. */
  static async install(host: Host): Promise<Gates> {
    await mkdir(host.homeFile(FOLDER), { recursive: true });
    await rename(host.homeFile("../bin/docker"), host.homeFile("../bin/docker.lab"));
    for (const [name, program] of Object.entries(PROGRAMS)) {
      const file = host.homeFile(`../bin/${name}`);
      await Bun.write(file, wrapper(program));
      await chmod(file, 0o755);
    }
    return new Gates(host);
  }

  /** @param pattern of bash, for the program's name and its arguments joined by blanks: `docker stop -t *` */
  async close(name: string, pattern: string): Promise<void> {
    await rm(this.#file(name, "reached"), { force: true });
    await Bun.write(this.#file(name, "new"), pattern);
    await rename(this.#file(name, "new"), this.#file(name, "closed"));
  }

  /** Resolves when somebody waits at the gate. */
  async reached(name: string): Promise<void> {
    await until(
      `somebody waits at the gate ${name}`,
      () => Bun.file(this.#file(name, "reached")).exists(),
      REACH_LIMIT_MS,
    );
  }

  async open(name: string): Promise<void> {
    await rm(this.#file(name, "closed"), { force: true });
  }

  async openAll(): Promise<void> {
    for (const file of await readdir(this.host.homeFile(FOLDER)))
      if (file.endsWith(".closed")) await this.open(file.slice(0, -".closed".length));
  }

  #file(name: string, kind: "new" | "closed" | "reached"): string {
    return this.host.homeFile(`${FOLDER}/${name}.${kind}`);
  }
}
