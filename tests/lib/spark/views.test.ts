import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isListening, readContainer, readFreeDisk, readMemory, readVllmProcesses } from "../../../lib/spark/views.ts";

const MEMINFO = `MemTotal:       125500000 kB
MemFree:         1203344 kB
MemAvailable:   98304000 kB
Buffers:          310244 kB
Cached:         71105880 kB
SwapTotal:      16777212 kB
`;

describe("/proc/meminfo", () => {
  test("tells total and available memory, in bytes", () => {
    expect(readMemory(MEMINFO)).toEqual({ totalBytes: 125_500_000 * 1024, availableBytes: 98_304_000 * 1024 });
  });

  test.each([
    "",
    "MemTotal:       125500000 kB\n",
    "cat: /proc/meminfo: No such file or directory",
    MEMINFO.slice(0, 60),
  ])("that is not whole gives nothing: %j", (text) => {
    expect(readMemory(text)).toBeNull();
  });
});

describe("df -Pk", () => {
  const HEADER = "Filesystem     1024-blocks       Used  Available Capacity Mounted on";

  test.each([
    ["/dev/nvme0n1p2  3844550000 1126400000 2718150000      30% /", 2_718_150_000],
    ["/dev/nvme0n1p2  3844550000 3844550000 0     100% /home", 0],
    ["host:/ex port/1  3844550000 3844550000 12     100% /mnt/with blank", 12],
  ])("tells what is available: %s", (line, kib) => {
    expect(readFreeDisk(`${HEADER}\n${line}\n`)).toBe(kib);
  });

  test.each(["", HEADER, "df: /home/alice: No such file or directory", "/dev/x - - - - /"])(
    "that tells nothing gives nothing: %j",
    (text) => {
      expect(readFreeDisk(text)).toBeNull();
    },
  );
});

const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:22B8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 91021 1 0000000000000000 100 0 0 10 0
   1: 0100007F:0277 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 21002 1 0000000000000000 100 0 0 10 0
   2: 01004D0A:22B9 02004D0A:A2C4 01 00000000:00000000 00:00000000 00000000     0        0 99011 1 0000000000000000 20 4 30 10 -1
   3: 01004D0A:C350 02004D0A:1F40 01 00000000:00000000 00:00000000 00000000     0        0 99012 1 0000000000000000 20 4 30 10 -1
   4: 01004D0A:1770 02004D0A:9C41 06 00000000:00000000 03:00001770 00000000     0        0 0 3 0000000000000000
`;
const TCP6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:18BD 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 30991 1 0000000000000000 100 0 0 10 0
`;

describe("/proc/net/tcp and tcp6", () => {
  test.each([
    [8888, true, "IPv4, all addresses"],
    [631, true, "IPv4, loopback, a port below 0x1000"],
    [6333, true, "IPv6"],
    [8889, false, "a connection, not a listener"],
    [8000, false, "the port of a peer"],
    [6000, false, "TIME_WAIT"],
    [22, false, "not there"],
  ])("a listener on %d: %p (%s)", (port, listening) => {
    expect(isListening(TCP + TCP6, port)).toBe(listening);
  });

  test("a host without IPv6 is read as well", () => {
    expect(isListening(`${TCP}cat: /proc/net/tcp6: No such file or directory\n`, 8888)).toBe(true);
  });
});

/** `docker inspect --type container vllm_node`, Docker Engine 28, shortened. */
const DOCKER_INSPECT = `[
    {
        "Id": "9f2c1d0e8b7a",
        "Created": "2026-01-01T10:00:00.000000000Z",
        "Path": "sleep",
        "Args": ["infinity"],
        "State": {
            "Status": "running",
            "Running": true,
            "Pid": 4711,
            "ExitCode": 0,
            "StartedAt": "2026-01-01T10:00:01.123456789Z",
            "FinishedAt": "0001-01-01T00:00:00Z"
        },
        "Image": "sha256:2f7c5a0b9d",
        "Name": "/vllm_node",
        "Config": { "Hostname": "spark-1", "Image": "vllm-node", "Labels": {} }
    }
]
`;

/** The same by Podman 4.3, shortened. */
const PODMAN_INSPECT = `[
     {
          "Id": "1b0a",
          "State": {
               "OciVersion": "1.0.2-dev",
               "Status": "exited",
               "Running": false,
               "StartedAt": "2026-01-01T10:00:01.123456789+00:00",
               "Health": { "Status": "", "FailingStreak": 0, "Log": null }
          },
          "Image": "2f7c5a0b9d",
          "ImageName": "localhost/vllm-node:latest",
          "Name": "vllm_node",
          "Config": { "Hostname": "spark-1" }
     }
]
`;

describe("docker inspect", () => {
  test("of a running container", () => {
    expect(readContainer(DOCKER_INSPECT)).toEqual({
      running: true,
      image: "vllm-node",
      startedAt: "2026-01-01T10:00:01.123456789Z",
      outOfMemory: false,
    });
  });

  test("of Podman, where the image's name stands elsewhere", () => {
    expect(readContainer(PODMAN_INSPECT)).toEqual({
      running: false,
      image: "localhost/vllm-node:latest",
      startedAt: "2026-01-01T10:00:01.123456789+00:00",
      outOfMemory: false,
    });
  });

  test("with a warning before the array", () => {
    expect(readContainer(`WARNING: Error loading config file\n${DOCKER_INSPECT}`)?.running).toBe(true);
  });

  test.each([
    "",
    "[]\n",
    "[]\nError response from daemon: No such container: vllm_node\n",
    "[null]",
    DOCKER_INSPECT.slice(0, 300),
  ])("without a whole object gives nothing: %#", (output) => {
    expect(readContainer(output)).toBeNull();
  });

  test("with values of other types gives texts all the same", () => {
    expect(readContainer('[{"State":{"Running":"yes","StartedAt":7},"Config":{"Image":{}}}]')).toEqual({
      running: false,
      image: "",
      startedAt: "",
      outOfMemory: false,
    });
  });

  test("of which a process was killed for memory", () => {
    const output = DOCKER_INSPECT.replace('"Running": true,', '"Running": true, "OOMKilled": true,');
    expect(readContainer(output)?.outOfMemory).toBe(true);
  });
});

const DOCKER_HEAD =
  "UID                 PID                 PPID                C                   STIME               TTY                 TIME                CMD";
const dockerRow = (pid: number, commandLine: string) =>
  ["root", pid, 2111, 3, "10:00", "?", "00:00:41"].map((cell) => String(cell).padEnd(20)).join("") + commandLine;
const SERVE = "/usr/bin/python3 /usr/local/bin/vllm serve Qwen/Qwen3-14B --host 0.0.0.0 --port 8888";

const PODMAN_TOP = `USER        PID         PPID        %CPU        ELAPSED          TTY         TIME        COMMAND
root        1           0           0.000       2m10.1s          ?           0s          sleep infinity
root        9           0           61.212      2m8.02s          ?           1m18s       ${SERVE}
`;

describe("docker top", () => {
  test("shows the server and the processes that it renames", () => {
    const output = [
      DOCKER_HEAD,
      dockerRow(2134, "sleep infinity"),
      dockerRow(2290, SERVE),
      dockerRow(2411, "VLLM::EngineCore"),
      dockerRow(2412, "VLLM::Worker_TP0"),
      dockerRow(2500, "python3 -m http.server"),
      "",
    ].join("\n");

    expect(readVllmProcesses(output)).toEqual([SERVE, "VLLM::EngineCore", "VLLM::Worker_TP0"]);
  });

  test("of Podman has other columns", () => {
    expect(readVllmProcesses(PODMAN_TOP)).toEqual([SERVE]);
  });

  test("of a container in which only the image's own process is left shows none", () => {
    expect(readVllmProcesses(`${DOCKER_HEAD}\n${dockerRow(2134, "sleep infinity")}\n`)).toEqual([]);
  });

  test("counts the entry point of the wheel as well as a full path", () => {
    const output = [DOCKER_HEAD, dockerRow(7, "vllm serve x"), dockerRow(8, "/opt/venv/bin/vllm serve y")].join("\n");

    expect(readVllmProcesses(output)).toEqual(["vllm serve x", "/opt/venv/bin/vllm serve y"]);
  });

  test("does not take other words for it", () => {
    const output = [
      DOCKER_HEAD,
      dockerRow(7, "vllm bench serve"),
      dockerRow(8, "myvllm serve"),
      dockerRow(9, "vllm servers"),
    ].join("\n");

    expect(readVllmProcesses(output)).toEqual([]);
  });

  test("without a header still tells what runs", () => {
    expect(readVllmProcesses(`\n${SERVE}`)).toEqual(["vllm serve Qwen/Qwen3-14B --host 0.0.0.0 --port 8888"]);
  });
});

describe("property: cut off or garbled output never throws, and what is read has its types", () => {
  const RECORDED = [MEMINFO, TCP + TCP6, DOCKER_INSPECT, PODMAN_INSPECT, PODMAN_TOP, "[", "[{}]", "[[[["];
  /** A recorded output with a part cut out and another text put in. */
  const garbled = fc
    .tuple(fc.constantFrom(...RECORDED), fc.nat(2_000), fc.nat(200), fc.string())
    .map(([text, at, length, put]) => text.slice(0, at) + put + text.slice(at + length));

  test("of every reader", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          garbled,
          fc.string(),
          fc.json().map((json) => `[${json}]`),
        ),
        fc.integer({ min: 1, max: 65_535 }),
        (text, port) => {
          const memory = readMemory(text);
          const container = readContainer(text);

          expect(
            memory === null || (Number.isFinite(memory.totalBytes) && Number.isFinite(memory.availableBytes)),
          ).toBe(true);
          expect(typeof isListening(text, port)).toBe("boolean");
          expect(readVllmProcesses(text).every((line) => line !== "")).toBe(true);
          if (container)
            expect([typeof container.running, typeof container.image, typeof container.startedAt]).toEqual([
              "boolean",
              "string",
              "string",
            ]);
        },
      ),
      { numRuns: 3_000 },
    );
  });
});
