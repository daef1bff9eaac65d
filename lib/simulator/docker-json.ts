/** What `docker ps --format json` and `docker inspect` print (Docker Engine 28). */
import type { Container } from "./containers.ts";
import type { SimulatedSpark } from "./spark.ts";

function ago(from: Date): string {
  const seconds = Math.max(0, Math.round((Date.now() - from.getTime()) / 1000));
  if (seconds < 1) return "Less than a second";
  if (seconds < 60) return `${seconds} seconds`;
  if (seconds < 7200) return seconds < 120 ? "About a minute" : `${Math.floor(seconds / 60)} minutes`;
  return `${Math.floor(seconds / 3600)} hours`;
}

/** One object a line, every value a string; health, if any, hides inside `Status`. */
export function psLine(container: Container): string {
  const { spec, running, exitCode, createdAt, startedAt, finishedAt } = container;
  return JSON.stringify({
    Command: `"${spec.argv.join(" ")}"`,
    CreatedAt: createdAt.toISOString().replace("T", " ").replace(/\..*/, " +0000 UTC"),
    ID: container.id.slice(0, 12),
    Image: spec.image,
    Labels: "",
    LocalVolumes: "0",
    Mounts: (spec.binds ?? []).map((bind) => bind.split(":")[0]).join(","),
    Names: spec.name,
    Networks: "host",
    Ports: "",
    RunningFor: `${ago(createdAt)} ago`,
    Size: "0B",
    State: running ? "running" : "exited",
    Status: running ? `Up ${ago(startedAt)}` : `Exited (${exitCode}) ${ago(finishedAt ?? startedAt)} ago`,
  });
}

/** One element of the array; `State.Health` is absent, as for an image without HEALTHCHECK. */
export function inspection(container: Container, spark: SimulatedSpark): object {
  const { spec, running } = container;
  return {
    Id: container.id,
    Created: container.createdAt.toISOString(),
    Path: spec.argv[0],
    Args: spec.argv.slice(1),
    State: {
      Status: running ? "running" : "exited",
      Running: running,
      Paused: false,
      Restarting: false,
      OOMKilled: false,
      Dead: false,
      Pid: running ? container.mainPid : 0,
      ExitCode: container.exitCode,
      Error: "",
      StartedAt: container.startedAt.toISOString(),
      FinishedAt: container.finishedAt?.toISOString() ?? "0001-01-01T00:00:00Z",
    },
    Image: spark.docker.imageId(spec.image) ?? "",
    Name: `/${spec.name}`,
    RestartCount: 0,
    HostConfig: {
      Binds: spec.binds ?? [],
      NetworkMode: "host",
      RestartPolicy: { Name: spec.restarts ? "unless-stopped" : "no", MaximumRetryCount: 0 },
      AutoRemove: spec.autoRemove,
      Privileged: true,
    },
    Config: {
      Image: spec.image,
      Env: Object.entries(spec.env ?? {}).map(([name, value]) => `${name}=${value}`),
      Cmd: spec.argv,
      Labels: {},
    },
  };
}
