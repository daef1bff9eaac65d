/** What `docker inspect` says of many containers: of Docker and podman, with some missing, cut off, or nonsense. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { inspectContainers, readContainers } from "../../../lib/spark/containers.ts";
import type { SparkSsh } from "../../../lib/spark/spark-ssh.ts";
import { aNode } from "../swap/_fixtures.ts";

const entry = (name: string, state: object, more: object = {}) => ({
  Name: name,
  State: state,
  Config: { Image: "kokoro:1" },
  ...more,
});
const RUNNING = { Status: "running", Running: true, ExitCode: 0, StartedAt: "2026-01-31T12:00:00.123456789Z" };
const pretty = (value: unknown) => JSON.stringify(value, null, 4);

describe("docker inspect of several containers", () => {
  test("of a user without docker's group fails; it does not say that nothing is there", async () => {
    const output =
      "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock";
    const ssh = { batch: () => Promise.resolve([{ output, exitCode: 1 }]) } as unknown as SparkSsh;
    const asked = inspectContainers(ssh, aNode("spark-1"), ["kokoro"], new AbortController().signal);
    await expect(asked).rejects.toMatchObject({ code: "docker_unusable" });
  });

  test("tells each by name, and those that are not there by their absence", () => {
    const dead = {
      Status: "exited",
      Running: false,
      ExitCode: 137,
      OOMKilled: true,
      StartedAt: "0001-01-01T00:00:00Z",
    };
    const output = `${pretty([entry("/kokoro", RUNNING), entry("qdrant", dead)])}\nError: No such object: parakeet\n`;

    expect(readContainers(output)).toEqual([
      {
        name: "kokoro",
        status: "running",
        running: true,
        image: "kokoro:1",
        startedAt: "2026-01-31T12:00:00.123456789Z",
        finishedAt: null,
        exitCode: 0,
        outOfMemory: false,
        health: null,
      },
      {
        name: "qdrant",
        status: "exited",
        running: false,
        image: "kokoro:1",
        startedAt: null,
        finishedAt: null,
        exitCode: 137,
        outOfMemory: true,
        health: null,
      },
    ]);
  });

  test("reads an image's own health check, and errors in front of the array", () => {
    const state = { ...RUNNING, Health: { Status: "starting", FailingStreak: 1 } };
    const output = `Error: No such object: x\n${pretty([entry("/kokoro", state)])}\n`;

    expect(readContainers(output)).toMatchObject([{ name: "kokoro", health: "starting" }]);
  });

  test("nothing is there", () => {
    expect(readContainers("[]\nError: No such object: a\n")).toEqual([]);
    expect(readContainers("Error: No such object: a\n")).toEqual([]);
  });

  test("whatever comes, no exception, and nothing without a name", () => {
    const whole = pretty([entry("/kokoro", RUNNING), entry("/qdrant", RUNNING)]);
    const output = fc.oneof(
      fc.string(),
      fc.json().map((text) => `[\n${text}\n]`),
      fc.nat(whole.length).map((length) => whole.slice(0, length)),
      fc.tuple(fc.nat(whole.length), fc.string()).map(([at, noise]) => whole.slice(0, at) + noise + whole.slice(at)),
    );
    fc.assert(
      fc.property(output, (text) => readContainers(text).every(({ name }) => typeof name === "string" && name !== "")),
      { numRuns: 2_000 },
    );
  });
});
