/** The `docker` of a simulated host: the subcommands that the product uses. */
import type { Container } from "./containers.ts";
import { inspection, psLine } from "./docker-json.ts";
import { type Invocation, type Program, sh } from "./invocation.ts";
import { preflight } from "./preflight.ts";

const DEFAULT_STOP_SECONDS = 10;
const EXEC_SECONDS = 0.1;

/** Options that take a value, as far as the product writes them. */
const VALUED = new Set([
  "--type",
  "--format",
  "-f",
  "-t",
  "--time",
  "--timeout",
  "--tail",
  "--since",
  "-n",
  "-e",
  "--env",
  "-w",
  "-u",
]);
const RUN_VALUED = new Set([...VALUED, "--network", "--entrypoint", "--name", "-v", "--volume", "--gpus", "--user"]);

interface Words {
  readonly options: ReadonlyMap<string, string>;
  readonly rest: readonly string[];
}

/** Options up to the first other word, or (`everywhere`) between the words too. */
function words(argv: readonly string[], valued: ReadonlySet<string>, everywhere: boolean): Words {
  const options = new Map<string, string>();
  const rest: string[] = [];
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at]!;
    if (!word.startsWith("-") || (rest.length > 0 && !everywhere)) {
      rest.push(word);
      continue;
    }
    const equals = word.indexOf("=");
    if (equals > 0) options.set(word.slice(0, equals), word.slice(equals + 1));
    else options.set(word, valued.has(word) ? (argv[++at] ?? "") : "");
  }
  return { options, rest };
}

function noContainer(call: Invocation, name: string | undefined): number {
  return sh(call, `Error response from daemon: No such container: ${name ?? ""}`, 1);
}

/** `action` on each named container; docker goes on after a failure and exits 1. */
async function forEach(
  call: Invocation,
  names: readonly string[],
  action: (container: Container) => Promise<number> | number,
): Promise<number> {
  let code = 0;
  for (const name of names) {
    const container = call.spark.docker.find(name);
    const outcome = container ? await action(container) : noContainer(call, name);
    if (outcome === 0) call.stdio.out(`${name}\n`);
    else code = outcome;
  }
  return code;
}

const inspect: Program = (call) => {
  const { options, rest } = words(call.argv.slice(2), VALUED, true);
  const found = rest.map((name) => call.spark.docker.find(name));
  const missing = rest.filter((_, at) => !found[at]);
  const objects = found.flatMap((container) => (container ? [inspection(container, call.spark)] : []));
  if (options.has("--format") || options.has("-f")) return sh(call, "docker inspect --format is not simulated", 64);
  call.stdio.out(`${JSON.stringify(objects, null, 4)}\n`);
  for (const name of missing) call.stdio.err(`Error response from daemon: No such container: ${name}\n`);
  return missing.length > 0 ? 1 : 0;
};

const imageInspect: Program = (call) => {
  const { options, rest } = words(call.argv.slice(3), VALUED, true);
  const name = rest[0] ?? "";
  const id = call.spark.faults.pending("image_missing", call.spark.name) ? undefined : call.spark.docker.imageId(name);
  const format = options.get("--format") ?? options.get("-f");
  if (id === undefined) {
    call.stdio.out(format === undefined ? "[]\n" : "\n");
    return sh(call, `Error response from daemon: No such image: ${name.includes(":") ? name : `${name}:latest`}`, 1);
  }
  call.stdio.out(format === "{{.Id}}" ? `${id}\n` : `${JSON.stringify([{ Id: id, RepoTags: [`${name}:latest`] }])}\n`);
  return 0;
};

const top: Program = (call) => {
  const container = call.spark.docker.find(call.argv[2] ?? "");
  if (!container) return noContainer(call, call.argv[2]);
  if (!container.running) return sh(call, `Error response from daemon: container ${container.id} is not running`, 1);
  call.stdio.out(
    "UID                 PID                 PPID                C                   STIME               TTY                 TIME                CMD\n",
  );
  for (const { pid, startedAt, argv } of call.spark.docker.inside(container)) {
    const started = startedAt.toISOString().slice(11, 16);
    const cells = ["root", pid, pid === container.mainPid ? 1 : container.mainPid, 0, started, "?", "00:00:01"];
    call.stdio.out(`${cells.map((cell) => String(cell).padEnd(20)).join("")}${argv.join(" ")}\n`);
  }
  return 0;
};

const stop: Program = (call) => {
  const { options, rest } = words(call.argv.slice(2), VALUED, true);
  const seconds = Number(
    options.get("-t") ?? options.get("--timeout") ?? options.get("--time") ?? DEFAULT_STOP_SECONDS,
  );
  return forEach(call, rest, async (container) => {
    if (call.spark.faults.strikes("docker_stop_ineffective", call.spark.name)) {
      await call.spark.scheduler.sleep(seconds);
      const why = `cannot stop container: ${container.spec.name}: tried to kill container, but did not receive an exit event`;
      return sh(call, `Error response from daemon: ${why}`, 1);
    }
    await call.spark.docker.stop(container, seconds);
    return 0;
  });
};

const remove: Program = (call) => {
  const { options, rest } = words(call.argv.slice(2), VALUED, true);
  return forEach(call, rest, (container) => {
    if (call.spark.faults.pending("docker_stop_ineffective", call.spark.name)) {
      return sh(
        call,
        `Error response from daemon: cannot remove container "/${container.spec.name}": could not kill`,
        1,
      );
    }
    if (container.running && !options.has("-f")) {
      const why = `cannot remove container "/${container.spec.name}": container is running: stop the container before removing or force remove`;
      return sh(call, `Error response from daemon: ${why}`, 1);
    }
    call.spark.docker.remove(container);
    return 0;
  });
};

const start: Program = (call) =>
  forEach(call, call.argv.slice(2), (container) => {
    call.spark.docker.start(container);
    return 0;
  });

const restart: Program = (call) => {
  const { options, rest } = words(call.argv.slice(2), VALUED, true);
  return forEach(call, rest, async (container) => {
    await call.spark.docker.stop(container, Number(options.get("-t") ?? DEFAULT_STOP_SECONDS));
    call.spark.docker.start(container);
    return 0;
  });
};

const logs: Program = (call) => {
  const { options, rest } = words(call.argv.slice(2), VALUED, true);
  const container = call.spark.docker.find(rest[0] ?? "");
  if (!container) return noContainer(call, rest[0]);
  const lines = container.log.text().split("\n");
  if (lines.at(-1) === "") lines.pop();
  const tail = options.get("--tail") ?? options.get("-n") ?? "all";
  const first = tail === "all" ? 0 : Math.max(0, lines.length - Number(tail));
  const since = options.has("--since") ? Date.parse(options.get("--since") ?? "") : Number.NEGATIVE_INFINITY;
  const isStamped = options.has("--timestamps");
  const kept = lines.slice(first).flatMap((line, index) => {
    const at = container.log.lineTime(first + index);
    if (at < since) return [];
    return isStamped ? [`${new Date(at).toISOString().replace("Z", "000000Z")} ${line}`] : [line];
  });
  if (kept.length > 0) call.stdio.out(`${kept.join("\n")}\n`);
  return 0;
};

const ps: Program = (call) => {
  const everything = call.argv.includes("-a") || call.argv.includes("--all");
  for (const container of call.spark.docker.all()) {
    if (everything || container.running) call.stdio.out(`${psLine(container)}\n`);
  }
  return 0;
};

const exec: Program = async (call) => {
  const { rest } = words(call.argv.slice(2), VALUED, false);
  const [name, ...argv] = rest;
  const container = call.spark.docker.find(name ?? "");
  if (!container) return noContainer(call, name);
  if (!container.running) return sh(call, `Error response from daemon: container ${container.id} is not running`, 1);
  await call.spark.scheduler.sleep(EXEC_SECONDS, call.signal);
  if (argv[0] === "python3") return preflight({ ...call, argv });
  const why = `exec: "${argv[0] ?? ""}": executable file not found in $PATH`;
  return sh(call, `OCI runtime exec failed: exec failed: unable to start container process: ${why}: unknown`, 127);
};

const run: Program = async (call) => {
  const { options, rest } = words(call.argv.slice(2), RUN_VALUED, false);
  const [image, ...argv] = rest;
  if (call.spark.faults.pending("image_missing", call.spark.name) || !call.spark.docker.imageId(image ?? "")) {
    call.stdio.err(`Unable to find image '${image ?? ""}:latest' locally\n`);
    return sh(
      call,
      `docker: Error response from daemon: pull access denied for ${image ?? ""}, repository does not exist`,
      125,
    );
  }
  if (options.get("--entrypoint") === "python3") return preflight({ ...call, argv: ["python3", ...argv] });
  return sh(call, "docker run is simulated for the pre-flight only", 64);
};

const SUBCOMMANDS: Readonly<Record<string, Program>> = {
  inspect,
  top,
  stop,
  rm: remove,
  start,
  restart,
  logs,
  ps,
  exec,
  run,
};

const DENIED =
  "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: dial unix /var/run/docker.sock: connect: permission denied";

export const docker: Program = (call) => {
  if (call.spark.faults.pending("docker_denied", call.spark.name)) return sh(call, DENIED, 1);
  const [, name, second] = call.argv;
  if (name === "image" && second === "inspect") return imageInspect(call);
  const program = name === undefined ? undefined : SUBCOMMANDS[name];
  return program ? program(call) : sh(call, `docker: '${name ?? ""}' is not a docker command.`, 1);
};
