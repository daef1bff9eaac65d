import { describe, expect, test } from "bun:test";
import { Fault } from "../../../lib/fault.ts";
import { onNode } from "../../../lib/spark/spark-ssh.ts";
import { FencedError, SshError } from "../../../lib/ssh/errors.ts";
import type { ExecResult, Ssh } from "../../../lib/ssh/ssh.ts";
import { aNode } from "../swap/_fixtures.ts";
import { controlOver } from "./_sparks.ts";

const node = aNode("spark-1");
const place = { container: "vllm_node", port: 8888 };
const never = new AbortController().signal;
const MEMINFO = "MemTotal:       125500000 kB\nMemAvailable:   98304000 kB\n";

function result(stdout: string, exitCode = 0, stderr = ""): ExecResult {
  return { stdout, stdoutBytes: new TextEncoder().encode(stdout), stderr, exitCode, truncated: false };
}

/** An SSH that gives the same answer to every command. */
function answering(answer: (command: string) => ExecResult): Ssh {
  return {
    exec: (_target, command) => Promise.resolve(answer(command)),
    peerAddress: () => Promise.resolve("10.77.0.9"),
    close: () => Promise.resolve(),
  };
}

/** Answers a look with these outputs; the nonce is taken from the command, as a shell would. */
function looking(...answers: readonly (readonly [output: string, exitCode: number])[]): Ssh {
  return answering((command) => {
    const nonce = /printf '\\n%s %d\\n' (\S+)/.exec(command)?.[1];
    return result(answers.map(([output, exitCode]) => `${output}\n${nonce} ${exitCode}\n`).join(""));
  });
}

const NONE = "[]\nError response from daemon: No such container: vllm_node\n";
const GOOD = [
  ["5c2d6a14\n", 0],
  ["1767225600\n", 0],
  [MEMINFO, 0],
  ["", 0],
] as const;
/** The process table of a Spark on which no vLLM runs. */
const IDLE = ["    PID    PPID COMMAND\n      1       0 /sbin/init\n", 0] as const;

async function faultOf(action: Promise<unknown>): Promise<Fault> {
  const error = await action.catch((reason: unknown) => reason);
  if (error instanceof Fault) return error;
  throw new Error("a Fault was expected");
}

describe("a look at an odd Spark", () => {
  test("the clock is compared with the middle of the question", async () => {
    let clock = 1767225590_000;
    const now = () => {
      clock += 2_000;
      return clock;
    };
    const ssh = looking(...GOOD, [NONE, 1], ["", 1], IDLE);

    const view = await controlOver(ssh, undefined, now).look(node, place, never);

    expect(view.clockSkewSeconds).toBe(7);
  });

  test("without docker says how to get it", async () => {
    const ssh = looking(...GOOD, ["sh: 1: docker: not found\n", 127], ["sh: 1: docker: not found\n", 127], IDLE);

    const fault = await faultOf(controlOver(ssh).look(node, place, never));

    expect(fault).toMatchObject({
      code: "docker_unusable",
      message: "spark-1: docker cannot be used by alice.",
      members: { evidence: "sh: 1: docker: not found", advice: expect.stringContaining("usermod -aG docker alice") },
    });
  });

  test("whose user may not use docker says the same, not that nothing runs", async () => {
    const denied =
      "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock";
    const ssh = looking(...GOOD, [denied, 1], [denied, 1], IDLE);

    expect((await faultOf(controlOver(ssh).look(node, place, never))).code).toBe("docker_unusable");
  });

  test("whose docker does not run is an error, not an empty Spark", async () => {
    const down = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?";
    const ssh = looking(...GOOD, [`[]\n${down}`, 1], [down, 1], IDLE);

    expect(await faultOf(controlOver(ssh).look(node, place, never))).toMatchObject({
      code: "docker_unusable",
      members: { advice: "Start docker there: sudo systemctl start docker." },
    });
  });

  test.each([
    "[]\nError response from daemon: No such container: vllm_node",
    "Error: No such object: vllm_node",
    "Error: inspecting object: no such container vllm_node",
  ])("on which there is no container is empty: %j", async (said) => {
    const view = await controlOver(looking(...GOOD, [said, 1], ["", 1], IDLE)).look(node, place, never);

    expect(view).toMatchObject({ container: null, vllm: [] });
  });

  const SERVE = "/usr/bin/python3 /usr/local/bin/vllm serve acme/other --port 9000";
  const ID = "9f2c1d0e8b7a".padEnd(64, "0");
  const table = (holder: string) =>
    [`PID PPID COMMAND\n 9 1 ${holder}\n 10 9 ${SERVE}\n 11 1 sh -c vllm serve acme/x`, 0] as const;

  test("on which a vLLM runs in no container tells it by its process", async () => {
    const view = await controlOver(looking(...GOOD, [NONE, 1], ["", 1], table("/bin/bash"))).look(node, place, never);

    expect(view.strangers).toEqual([{ pid: 10, model: "acme/other", port: 9000, container: null, commandLine: SERVE }]);
  });

  test.each([
    ["is named by what docker ps says", `{"ID":"${ID.slice(0, 12)}","Names":"mine"}\n`, 0, ["mine"]],
    ["is called by its id where docker ps fails", "", 1, [ID.slice(0, 12)]],
    ["that docker ps does not list any more has ended", "", 0, []],
    ["that has the slot's name meanwhile is the slot's", `{"ID":"${ID.slice(0, 12)}","Names":"vllm_node"}\n`, 0, []],
  ])("a container with a vLLM %s", async (_, listed, exitCode, names) => {
    const looks = looking(...GOOD, [NONE, 1], ["", 1], table(`/usr/bin/containerd-shim-runc-v2 -id ${ID} -x`));
    const ssh: Ssh = {
      ...looks,
      exec: (target, command, call) =>
        command === "docker ps --format json"
          ? Promise.resolve(result(listed, exitCode))
          : looks.exec(target, command, call),
    };

    const view = await controlOver(ssh).look(node, place, never);

    expect(view.strangers.map(({ container }) => String(container))).toEqual(names);
  });

  test("whose ps is not understood shows what the container shows", async () => {
    const view = await controlOver(looking(...GOOD, [NONE, 1], ["", 1], ["ps: bad option", 1])).look(
      node,
      place,
      never,
    );

    expect(view.strangers).toEqual([]);
  });

  test("that does not tell its memory is an error", async () => {
    const ssh = looking(
      GOOD[0],
      GOOD[1],
      ["cat: /proc/meminfo: Input/output error", 1],
      GOOD[3],
      [NONE, 1],
      ["", 1],
      IDLE,
    );

    expect(await faultOf(controlOver(ssh).look(node, place, never))).toMatchObject({
      code: "unreadable",
      members: { node: "spark-1", evidence: "cat: /proc/meminfo: Input/output error" },
    });
  });

  test("whose answer is cut off is an error", async () => {
    const ssh = looking(...GOOD);

    expect((await faultOf(controlOver(ssh).look(node, place, never))).code).toBe("ssh_unknown");
  });
});

describe("docker that cannot be used", () => {
  const denied = answering(() =>
    result("", 1, "permission denied while trying to connect to the Docker daemon socket"),
  );
  const down = answering(() => result("", 1, "Cannot connect to the Docker daemon at unix:///var/run/docker.sock."));
  const missing = answering(() => result("", 127, "sh: 1: docker: not found"));

  test.each([
    ["denied", denied],
    ["without its daemon", down],
    ["missing", missing],
  ])("(%s) is not a missing image", async (_why, ssh) => {
    expect((await faultOf(controlOver(ssh).hasImage(node, "vllm-node", never))).code).toBe("docker_unusable");
  });

  test.each([
    ["sh: 1: docker: not found", 127],
    ["Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", 1],
  ])("is not a stop that went well: %s", async (said, exitCode) => {
    const ssh = answering(() => result("", exitCode, said));

    expect((await faultOf(controlOver(ssh).stopContainer(node, "vllm_node", 1, never))).code).toBe("docker_unusable");
  });
});

describe("a stop", () => {
  const said = "Error response from daemon: No such container: vllm_node";

  test("of what is not there is the aim reached", async () => {
    const ssh = answering(() => result("", 1, said));

    expect(await controlOver(ssh).stopContainer(node, "vllm_node", 1, never)).toBeUndefined();
  });

  test("that is refused by the node's fence says so", async () => {
    const ssh = answering(() => result("fenced generation 9\n", 75, ""));

    expect(await faultOf(controlOver(ssh).stopContainer(node, "vllm_node", 1, never))).toMatchObject({
      code: "fenced",
      members: { node: "spark-1", evidence: "fenced generation 9" },
    });
  });
});

describe("an address", () => {
  test("of a name is that of the connection's peer", async () => {
    expect(await controlOver(answering(() => result(""))).address(aNode("spark-1", { address: null }), never)).toBe(
      "10.77.0.9",
    );
  });
});

describe("an error of SSH", () => {
  const target = { host: "spark-1", port: 22, user: "alice" };

  test("becomes a Fault that names the node, with the library's words as evidence", async () => {
    const error = new SshError("network", target, "no connection", { cause: new Error("connect ECONNREFUSED") });

    expect(await faultOf(onNode(node, () => Promise.reject(error)))).toMatchObject({
      kind: "upstream",
      code: "ssh_network",
      message: "spark-1: no connection",
      members: { node: "spark-1", evidence: "connect ECONNREFUSED" },
      cause: error,
    });
  });

  test.each([
    ["switched on", new SshError("network", target, "no connection")],
    ["authorized_keys of alice", new SshError("key_refused", target, "no key")],
    ["POST /api/host-keys/spark-1/accept", new SshError("host_key", target, "another key")],
    ["Log in to spark-1", new SshError("timeout", target, "no answer")],
    ["whether spark-1 was restarted", new SshError("unknown", target, "The connection broke while a command ran.")],
    ['POST /api/nodes/spark-1/take-over {"instance":"b"}', new FencedError(target, { by: "instance", instance: "b" })],
    ["a copy of these data", new FencedError(target, { by: "generation", highest: 9 })],
  ])("says what to try: %s", async (advice, error) => {
    const { members } = await faultOf(onNode(node, () => Promise.reject(error)));
    expect(members.advice).toContain(advice);
  });

  test("stays what it is when the asker left, and so does any other error", async () => {
    const aborted = new SshError("aborted", target, "left");
    const mistake = new TypeError("a mistake");

    expect(await onNode(node, () => Promise.reject(aborted)).catch((error: unknown) => error)).toBe(aborted);
    expect(await onNode(node, () => Promise.reject(mistake)).catch((error: unknown) => error)).toBe(mistake);
  });
});
