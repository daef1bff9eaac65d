import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readVllmProcesses } from "../../../lib/spark/views.ts";
import { readContainerId, readContainerNames, readVllmServers } from "../../../lib/spark/vllm-servers.ts";

const ID = "9f2c1d0e8b7a".padEnd(64, "0");
const SERVE = "/usr/bin/python3 /usr/local/bin/vllm serve Qwen/Qwen3-14B --host 0.0.0.0 --port 8888";

/** A Spark with docker, as procps 4.0 shows it: a launch by hand in a container called otherwise. */
const DOCKER_HOST = `    PID    PPID COMMAND
      1       0 /sbin/init
    900       1 /usr/bin/containerd-shim-runc-v2 -namespace moby -id ${ID} -address /run/containerd/containerd.sock
    921     900 sleep infinity
   1000       1 bash ./launch-cluster.sh --solo --name mine exec vllm serve Qwen/Qwen3-14B --port 8888
   1010    1000 docker exec -it mine bash -c vllm serve Qwen/Qwen3-14B --host 0.0.0.0 --port 8888
   1011       1 sh -c ? runner spark-job env A=b ./launch-cluster.sh exec vllm serve Qwen/Qwen3-14B
   1020     900 bash -c vllm serve Qwen/Qwen3-14B --host 0.0.0.0 --port 8888
   1021    1020 ${SERVE}
   1022    1021 ${SERVE}
   1030    1021 VLLM::EngineCore
   1040       1 ssh spark-2 vllm serve Qwen/Qwen3-14B
   1041       1 grep vllm serve
   1042       1 vllm bench serve x
`;

const PODMAN_HOST = `    PID    PPID COMMAND
   1234       1 /usr/bin/conmon --api-version 1 -c ${ID} -u ${ID} -r /usr/sbin/runc -b /x/userdata -n mine --exit-dir /y
   1021    1234 ${SERVE}
`;

const bare = (line: string) => `    PID    PPID COMMAND\n   7       1 ${line}\n`;

describe("the vLLM servers of a host", () => {
  test("are the servers only, each once, with the container that holds them", () => {
    expect(readVllmServers(DOCKER_HOST)).toEqual([
      { pid: 1021, model: "Qwen/Qwen3-14B", port: 8888, container: { id: ID, name: null }, commandLine: SERVE },
    ]);
  });

  test("in podman are told with the container's name", () => {
    expect(readVllmServers(PODMAN_HOST)).toMatchObject([{ pid: 1021, container: { id: ID, name: "mine" } }]);
  });

  test.each([
    ["vllm serve a/b", "a/b", 8000],
    ["/opt/venv/bin/vllm serve /models/x --port=9000", "/models/x", 9000],
    ["/opt/venv/bin/python3.12 -u /opt/venv/bin/vllm serve a/b --port 9000", "a/b", 9000],
    ["python3 -m vllm.entrypoints.openai.api_server --port 9001 --model a/b", "a/b", 9001],
    ["python3 -m vllm.entrypoints.cli.main serve a/b", "a/b", 8000],
    ["python3 /usr/local/bin/vllm serve a/b --port 8888 --headless", "a/b", null],
    ["vllm serve --config x.yaml", "a model of its own choice", 8000],
  ])("outside of any container: %s", (line, model, port) => {
    expect(readVllmServers(bare(line))).toEqual([{ pid: 7, model, port, container: null, commandLine: line }]);
  });

  test.each([
    "myvllm serve a/b",
    "vllm servers a/b",
    "vllm chat",
    "vim vllm serve a/b",
    "tail -f vllm serve",
    "uv run vllm serve a/b",
  ])("are not: %s", (line) => expect(readVllmServers(bare(line))).toEqual([]));

  test("are shown without their keys, and so is what docker top shows", () => {
    const line = "/opt/bin/vllm serve a/b --api-key s3cret s3cond --hf-token=hf_3 --tokenizer a/b --port 9000";
    const shown = "/opt/bin/vllm serve a/b --api-key … --hf-token=… --tokenizer a/b --port 9000";

    expect(readVllmServers(bare(line))).toMatchObject([{ model: "a/b", port: 9000, commandLine: shown }]);
    expect(readVllmProcesses(`CMD\n${line}\n`)).toEqual([shown]);
  });

  test("of two that run the same in two containers are two", () => {
    const other = "a".repeat(64);
    const second = `   950       1 /usr/bin/containerd-shim-runc-v2 -namespace moby -id ${other}\n   951     950 ${SERVE}\n`;

    expect(readVllmServers(DOCKER_HOST + second).map(({ container }) => container?.id)).toEqual([ID, other]);
  });

  test("are none where ps is not understood", () => {
    for (const text of ["", "ps: unrecognized option: cols\n", "PID\n"]) expect(readVllmServers(text)).toEqual([]);
  });

  test("are read from whatever comes, loops of parents included", () => {
    expect(readVllmServers(`7 8 ${SERVE}\n8 7 bash\n`)).toMatchObject([{ pid: 7, container: null }]);
    fc.assert(
      fc.property(fc.string(), fc.nat(2_000), fc.nat(200), (put, at, length) => {
        const servers = readVllmServers(DOCKER_HOST.slice(0, at) + put + DOCKER_HOST.slice(at + length));
        for (const { model, commandLine } of servers) expect([model, commandLine]).not.toContain("");
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("names of containers", () => {
  test("are read line by line", () => {
    const output = `{"ID":"${ID.slice(0, 12)}","Names":"mine"}\nnonsense\n{"ID":"bbbbbbbbbbbb","Names":"a,b"}\n`;

    expect([...readContainerNames(output)]).toEqual([
      [ID.slice(0, 12), "mine"],
      ["bbbbbbbbbbbb", "a"],
    ]);
  });

  test("and the id of one by docker inspect", () => {
    expect(readContainerId(`[\n    {\n        "Id": "${ID}",\n`)).toBe(ID);
    expect(readContainerId("[]\n")).toBeNull();
  });
});
