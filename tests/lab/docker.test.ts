/** The docker command of a host: podman underneath, Docker's answers on top. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { requirement } from "../support/requirements.ts";
import { labAvailability } from "./available.ts";
import { until } from "./command.ts";
import { type Lab, startLab } from "./lab.ts";
import { removeContainers } from "./launch.ts";

const { available, how } = await labAvailability();
const describeLab = requirement("docker in the lab", available, how);

const LIMIT_MS = 60_000;
const RUN = "docker run -d --privileged --gpus all --rm --ipc=host --network host --name vllm_node";

describeLab("docker in the lab", () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await startLab({ dialect: "new" });
  }, LIMIT_MS);
  afterEach(() => removeContainers(lab), LIMIT_MS);
  afterAll(() => lab?.close(), LIMIT_MS);

  const head = (command: string) => lab.head.exec(command);

  test("both hosts have the image, under the same id", async () => {
    const ids = await Promise.all(
      lab.hosts.map((host) => host.exec("docker image inspect --format '{{.Id}}' vllm-node")),
    );
    expect(ids[0]?.stdout).toMatch(/^sha256:[0-9a-f]{64}\n$/);
    expect(ids[1]?.stdout).toBe(ids[0]?.stdout ?? "");
  });

  test("run takes the launch script's flags, makes a missing bind source and prints the id", async () => {
    const { stdout, exitCode } = await head(
      `${RUN} --ulimit memlock=-1 -e A=1 -v ~/made/here:/x vllm-node sleep infinity`,
    );
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^[0-9a-f]{64}\n$/);
    expect((await head("test -d ~/made/here && docker exec vllm_node sh -c 'echo $A'")).stdout).toBe("1\n");
    expect((await lab.worker.exec("docker ps -q")).stdout).toBe("");
  });

  test("what follows the image belongs to the container", async () => {
    const { stdout } = await head("docker run --rm --network host vllm-node echo --ulimit -v /none:/none -d");
    expect(stdout).toBe("--ulimit -v /none:/none -d\n");
  });

  test("ps prints one JSON object a line with strings only", async () => {
    await head(`${RUN} vllm-node sh -c 'echo "a \\"quoted\\" word"; sleep infinity'`);
    await head("docker run -d --network host --name second vllm-node true");
    await until("second has ended", async () => !(await head("docker ps -q --filter name=second")).stdout, LIMIT_MS);
    const lines = (await head("docker ps -a --format json")).stdout.trim().split("\n");
    const rows = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(rows.map((row) => [row.Names, row.Image, row.State]).sort()).toEqual([
      ["second", "vllm-node", "exited"],
      ["vllm_node", "vllm-node", "running"],
    ]);
    expect(rows.flatMap((row) => Object.values(row)).every((value) => typeof value === "string")).toBe(true);
    expect(rows.find((row) => row.Names === "vllm_node")?.Status).toMatch(/^Up [^"]*(second|seconds)$/);
    expect((await head("docker ps --format '{{.Names}}'")).stdout).toBe("vllm_node\n");
  });

  test("inspect answers like Docker for a container that runs and for one that is not there", async () => {
    await head(`${RUN} vllm-node sleep infinity`);
    const [container] = JSON.parse((await head("docker inspect --type container vllm_node")).stdout);
    expect(container.State.Running).toBe(true);
    expect(container.State.Status).toBe("running");
    expect(container.State.Health).toBeUndefined();
    expect(container.Image).toMatch(/^sha256:/);
    const missing = await head("docker inspect --type container nope");
    expect(missing).toEqual({ stdout: "[]\n", stderr: "Error: No such container: nope\n", exitCode: 1 });
  });

  test("top lists the processes inside with the host's pids", async () => {
    await head(`${RUN} vllm-node sh -c 'sleep 86396 & sleep infinity'`);
    const { stdout } = await head("docker top vllm_node");
    const listed = stdout.split("\n").find((line) => line.endsWith(" sleep 86396"));
    const real = (await lab.head.processes()).find((one) => one.args === "sleep 86396");
    expect(stdout.split("\n")[0]).toMatch(/^ *UID +PID +PPID/);
    expect(Number(listed?.trim().split(/\s+/)[1])).toBe(real?.pid ?? -1);
    expect(await head("docker top nope")).toMatchObject({ exitCode: 1, stdout: "" });
  });

  test("logs keep stdout and stderr apart", async () => {
    await head(`${RUN} vllm-node sh -c 'echo out; echo err >&2; sleep infinity'`);
    await until(
      "both lines are there",
      async () => {
        const { stdout, stderr } = await head("docker logs vllm_node");
        return stdout === "out\n" && stderr === "err\n";
      },
      LIMIT_MS,
    );
    expect((await head("docker logs --tail 5 nope")).stderr).toContain("No such container: nope");
  });

  test(
    "stop takes its time against a process that ignores TERM, meanwhile the container is still listed",
    async () => {
      await head(`${RUN} vllm-node sleep infinity`);
      const start = performance.now();
      const stopping = head("docker stop -t 3 vllm_node");
      await until(
        "the stop is under way",
        async () => (await lab.head.processes()).some((one) => one.argv[0] === "podman" && one.argv.includes("stop")),
        LIMIT_MS,
      );
      expect((await head("docker ps --format '{{.Names}}'")).stdout).toBe("vllm_node\n");
      expect((await head("docker inspect --format '{{.State.Status}}' vllm_node")).stdout).toBe("running\n");
      const inspectId = "docker inspect --type container --format '{{.Id}}' vllm_node";
      expect((await head(inspectId)).stdout).toMatch(/^[0-9a-f]{64}\n$/);
      expect(await stopping).toEqual({ stdout: "vllm_node\n", stderr: "", exitCode: 0 });
      expect(performance.now() - start).toBeGreaterThan(2900);
      expect((await head("docker ps -aq")).stdout).toBe("");
    },
    LIMIT_MS,
  );

  test("rm -f does not wait", async () => {
    await head(`${RUN} vllm-node sleep infinity`);
    await head("docker rm -f vllm_node");
    expect((await lab.head.processes()).some((one) => one.args === "sleep infinity")).toBe(false);
  }, 9000);

  test("an image that is not there is not looked for elsewhere", async () => {
    const { exitCode, stderr } = await head("docker run -d --rm --name x vllm-missing:1 true");
    expect(exitCode).toBe(125);
    expect(stderr).not.toBe("");
  });

  test("the pre-flight answers like argparse", async () => {
    const check = (args: string) =>
      head(`docker run --rm --network none --entrypoint python3 vllm-node -c TEXT ${args}`);
    const good = await check("org/model --port 8888 --max-model-len 4096");
    const bad = await check("org/model --foo --port 8888");
    const wrong = await check("org/model --port many");
    expect([good.exitCode, bad.exitCode, wrong.exitCode]).toEqual([0, 2, 2]);
    expect(bad.stderr).toContain("error: unrecognized arguments: --foo");
    expect(wrong.stderr).toContain("argument --port: invalid int value: 'many'");
  });
});
