import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Word } from "../../../lib/ssh/quote.ts";
import { SCRIPTS } from "../../../lib/ssh/remote-scripts.ts";
import { Bench } from "./bench.ts";

const ARCHITECTURE = readFileSync(join(import.meta.dir, "../../../docs/ARCHITECTURE.md"), "utf8");
const NOT_FOUND = 127;

/** What stands in backticks in the paragraph of plain commands. */
function documentedCommands(): string[] {
  const paragraph = /^Plain commands in use:[\s\S]*?\n\n/m.exec(ARCHITECTURE)?.[0] ?? "";
  return [...paragraph.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
}

/** A documented command with its placeholders filled in. @param job that runs */
function words(text: string, job: string): [Word, ...Word[]] {
  const values: Readonly<Record<string, Word>> = {
    NAME: "vllm_node",
    SECONDS: "1",
    N: "10",
    IMAGE: "vllm-node",
    PATH: { home: "" },
    TEXT: "import sys",
    "ARG…": "openai/gpt-oss-20b",
    "JOB/command": { home: `.spark-control/jobs/${job}/command` },
    "DIR/launch-cluster.sh": { home: "spark-vllm-docker/launch-cluster.sh" },
    "--query-gpu=…": "--query-gpu=utilization.gpu",
  };
  const [first = "", ...rest] = text.split(" ").map((word) => values[word] ?? word);
  return [first, ...rest];
}

describe("the simulator knows what the controller says", () => {
  test("every named script", async () => {
    await using bench = await Bench.start({ nodes: 1 });

    const unknown = Object.keys(SCRIPTS).filter((name) => !bench.cluster.knows(name));

    expect(Object.keys(SCRIPTS).length).toBeGreaterThanOrEqual(5);
    expect(unknown).toEqual([]);
  });

  test("every plain command of docs/ARCHITECTURE.md runs on a host with a model", async () => {
    await using bench = await Bench.start({ nodes: 1 });
    const documented = documentedCommands();
    const failed: string[] = [];

    for (const text of documented) {
      const job = `job-${failed.length}-${documented.indexOf(text)}`;
      await bench.startJob(job, bench.launchWords("openai/gpt-oss-20b"));
      await bench.vllmAnswers();
      const { code, stderr } = await bench.exec(words(text, job));
      if (code !== 0) failed.push(`${text}: ${code} ${stderr}`);
      await bench.exec(["docker", "rm", "-f", "vllm_node"]);
    }

    expect(documented.length).toBeGreaterThan(15);
    expect(failed).toEqual([]);
  });

  test("nothing else", async () => {
    await using bench = await Bench.start({ nodes: 1 });

    const { code, stderr } = await bench.exec(["rm", "-rf", "/"]);

    expect(code).toBe(NOT_FOUND);
    expect(stderr).toBe("sh: 1: rm: not found\n");
  });
});

describe("a host as the commands show it", () => {
  test("nvidia-smi has no memory figures on a GB10", async () => {
    await using bench = await Bench.start({ nodes: 1 });
    const query = "--query-gpu=name,memory.total,memory.used,power.limit,fan.speed,clocks.mem,utilization.gpu";

    const { stdout } = await bench.exec(["nvidia-smi", query, "--format=csv,noheader,nounits"]);

    expect(stdout).toBe("NVIDIA GB10, [N/A], [N/A], [N/A], [N/A], [N/A], 0\n");
  });

  test("nvidia-smi lists what uses the GPU, in MiB", async () => {
    await using bench = await Bench.start({ nodes: 1 });
    await bench.startJob("a", bench.launchWords("openai/gpt-oss-20b", { args: ["--gpu-memory-utilization", "0.5"] }));
    await bench.vllmAnswers();

    const query = "--query-compute-apps=pid,process_name,used_memory";
    const { stdout } = await bench.exec(["nvidia-smi", query, "--format=csv,noheader,nounits"]);

    expect(stdout).toMatch(/^\d+, VLLM::EngineCore, 6\d{4}\n$/);
  });

  test("/proc/net/tcp has a listening socket in hex for each port", async () => {
    await using bench = await Bench.start({ nodes: 1 });

    const { stdout } = await bench.exec(["cat", "/proc/net/tcp", "/proc/net/tcp6"]);

    const port = bench.head.sshPort.toString(16).toUpperCase().padStart(4, "0");
    expect(stdout).toMatch(new RegExp(`^ +0: 0A00007F|0100007F:${port} 00000000:0000 0A `, "m"));
  });

  test("a WireGuard interface is told by its kind", async () => {
    await using bench = await Bench.start({ nodes: 1 });

    const links = JSON.parse((await bench.exec(["ip", "-d", "-j", "addr"])).stdout) as {
      ifname: string;
      linkinfo?: { info_kind: string };
    }[];

    expect(links.filter(({ linkinfo }) => linkinfo?.info_kind === "wireguard").map(({ ifname }) => ifname)).toEqual([
      "wg0",
    ]);
  });

  test("docker ps gives one object a line, docker inspect an array", async () => {
    await using bench = await Bench.start({ nodes: 1, services: true });

    const ps = (await bench.exec(["docker", "ps", "-a", "--format", "json"])).stdout.trim().split("\n");
    const inspected = JSON.parse((await bench.exec(["docker", "inspect", "--type", "container", "qdrant"])).stdout);

    expect(ps.map((line) => JSON.parse(line).Names).sort()).toEqual([
      "embeddings",
      "kokoro",
      "matrix-bridge",
      "parakeet",
      "qdrant",
      "reranker",
    ]);
    expect(inspected).toMatchObject([
      { Name: "/qdrant", State: { Running: true }, Config: { Image: "qdrant/qdrant" } },
    ]);
  });

  test("ps lists the whole host, what runs in a container below the shim that holds it", async () => {
    await using bench = await Bench.start({ nodes: 1 });
    await bench.startJob("a", bench.launchWords("openai/gpt-oss-20b"));
    await bench.vllmAnswers();

    const { stdout } = await bench.exec(["ps", "-e", "--cols", "4096", "-o", "pid,ppid,args"]);

    const id = bench.head.docker.find("vllm_node")!.id;
    const shim = new RegExp(`^ *(\\d+) +1 /usr/bin/containerd-shim-runc-v2 -namespace moby -id ${id} `, "m").exec(
      stdout,
    );
    expect(stdout).toStartWith("    PID    PPID COMMAND\n");
    expect(stdout).toMatch(new RegExp(`^ *\\d+ +${shim?.[1]} /usr/bin/python3 /usr/local/bin/vllm serve openai/`, "m"));
    expect(stdout).toMatch(/^ *\d+ +1 sh -c RUNNER spark-job .*launch-cluster\.sh .* exec vllm serve openai\//m);
  });

  test("what is not there is said as docker says it", async () => {
    await using bench = await Bench.start({ nodes: 1 });

    const inspect = await bench.exec(["docker", "inspect", "--type", "container", "none"]);
    const top = await bench.exec(["docker", "top", "none"]);

    expect([inspect.code, inspect.stdout]).toEqual([1, "[]\n"]);
    expect([top.code, top.stderr]).toEqual([1, "Error response from daemon: No such container: none\n"]);
  });

  test("the Hugging Face cache can be listed and measured", async () => {
    await using bench = await Bench.start({ nodes: 1 });
    const hub = ".cache/huggingface/hub";

    const listed = (await bench.exec(["ls", "-1", { home: hub }])).stdout.split("\n");
    const measured = await bench.exec(["du", "-sk", { home: `${hub}/models--openai--gpt-oss-20b` }]);
    const absent = await bench.exec(["test", "-d", { home: `${hub}/models--nobody--nothing` }]);

    expect(listed).toContain("models--openai--gpt-oss-120b");
    expect(Number(measured.stdout.split("\t")[0])).toBeCloseTo(13.8e9 / 1024, -3);
    expect(absent.code).toBe(1);
  });
});

describe("the pre-flight of arguments", () => {
  const image = [
    "docker",
    "run",
    "--rm",
    "--network",
    "none",
    "--entrypoint",
    "python3",
    "vllm-node",
    "-c",
    "TEXT",
  ] as const;

  test("says nothing of good ones", async () => {
    await using bench = await Bench.start({ nodes: 1 });

    const { code, stderr } = await bench.exec([...image, "openai/gpt-oss-20b", "--port", "8888"]);

    expect([code, stderr]).toEqual([0, ""]);
  });

  test("refuses as argparse does, in the running container too", async () => {
    await using bench = await Bench.start({ nodes: 1 });
    await bench.startJob("a", bench.launchWords("openai/gpt-oss-20b"));
    await bench.vllmAnswers();

    const { code, stderr } = await bench.exec([
      "docker",
      "exec",
      "vllm_node",
      "python3",
      "-c",
      "TEXT",
      "a/b",
      "--foo",
      "1",
    ]);

    expect(code).toBe(2);
    expect(stderr).toEndWith("vllm serve: error: unrecognized arguments: --foo 1\n");
  });

  test("needs the image", async () => {
    await using bench = await Bench.start({ nodes: 1 });
    bench.inject({ kind: "image_missing" });

    const { code } = await bench.exec([...image, "a/b"]);

    expect(code).toBe(125);
  });
});
