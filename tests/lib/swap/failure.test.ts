import { describe, expect, test } from "bun:test";
import { explainEnd, explainLog } from "../../../lib/swap/failure.ts";

const ENGINE = "(EngineCore pid=412) ERROR 01-01 10:00:31 [core.py:845]";
const API = "(APIServer pid=301)";

/** A log as it looks around a failure of the engine: start before it, the general complaint after it. */
function failedStart(...causes: string[]): string[] {
  return [
    "Starting cluster nodes on 10.77.0.1, 10.77.0.2",
    `${API} INFO 01-01 10:00:01 [api_server.py:1839] vLLM API server version 0.11.2`,
    `${ENGINE} EngineCore failed to start.`,
    `${ENGINE} Traceback (most recent call last):`,
    `${ENGINE}   File "/usr/local/lib/python3.12/dist-packages/vllm/v1/engine/core.py", line 836, in run_engine_core`,
    ...causes,
    `${API} RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {'EngineCore_DP0': 1}`,
    "Stopping cluster...",
    "Cluster stopped.",
  ];
}

/** Each signature as its program writes it, in the log where it stands. */
const SIGNATURES: readonly (readonly [code: string, evidence: string])[] = [
  [
    "out_of_memory",
    `${ENGINE} ValueError: Free memory on device cuda:0 (41.20/119.70 GiB) on startup is less than desired GPU memory utilization (0.85, 101.75 GiB).`,
  ],
  ["out_of_memory", `${ENGINE} torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.32 GiB.`],
  ["out_of_memory", `${ENGINE} torch.cuda.OutOfMemoryError: CUDA out of memory.`],
  ["out_of_memory", "NVRM: nvAssertOkFailedNoLog: Assertion failed: Out of memory [NV_ERR_NO_MEMORY] (0x00000051)"],
  [
    "out_of_memory",
    `${ENGINE} ValueError: No available memory for the cache blocks. Try increasing \`gpu_memory_utilization\`.`,
  ],
  [
    "out_of_memory",
    `${ENGINE} ValueError: To serve at least one request, (12.0 GiB KV cache is needed, which is larger than the available KV cache memory (3.1 GiB).`,
  ],
  ["arguments_refused", "vllm serve: error: unrecognized arguments: --no-such-option"],
  ["arguments_refused", "vllm serve: error: argument --max-model-len: invalid human_readable_int value: 'lots'"],
  ["image_missing", "Unable to find image 'vllm-node:latest' locally"],
  ["image_missing", "docker: Error response from daemon: pull access denied for vllm-node, repository does not exist"],
  ["image_missing", 'Error: short-name "vllm-node" did not resolve to an alias'],
  [
    "container_name_taken",
    'docker: Error response from daemon: Conflict. The container name "/vllm_node" is already in use by container "9f2c".',
  ],
  ["port_taken", `${API} OSError: [Errno 98] Address already in use`],
  ["port_taken", "[Errno 98] error while attempting to bind on address ('0.0.0.0', 8888): address already in use"],
  ["worker_refused", "Error: Passwordless SSH to 10.77.0.2 failed."],
  ["worker_refused", "alice@10.77.0.2: Permission denied (publickey,password)."],
  ["worker_refused", "Host key verification failed."],
  ["disk_full", `${ENGINE} OSError: [Errno 28] No space left on device`],
  [
    "model_missing",
    `${API} huggingface_hub.errors.RepositoryNotFoundError: 404 Client Error. Repository Not Found for url: https://huggingface.co/api/models/x/y.`,
  ],
  [
    "model_missing",
    `${API} OSError: /models/nope is not a local folder and is not a valid model identifier listed on 'https://huggingface.co/models'`,
  ],
  ["engine_failed", `${API} vllm.v1.engine.exceptions.EngineDeadError: EngineCore encountered an issue.`],
];

describe("a signature in the log", () => {
  test.each(SIGNATURES)("%s: %s", (code, evidence) => {
    const found = explainLog(["Starting cluster…", evidence, "Cluster stopped."]);

    expect(found).toMatchObject({ code, evidence });
    expect(found?.message).toMatch(/^(?:[A-Z]|vLLM).*\.$/);
    expect(found?.advice).toMatch(/^(?:[A-Z]|vLLM).*\.$/);
  });

  test.each(SIGNATURES.filter(([code]) => code !== "engine_failed"))(
    "%s wins over the general complaint around it: %s",
    (code, evidence) => {
      expect(explainLog(failedStart(evidence))).toMatchObject({ code, evidence });
    },
  );

  test("alone, the general complaint is the reason", () => {
    expect(explainLog(failedStart())?.code).toBe("engine_failed");
  });

  test("that stands there several times is shown where it stands first, without spaces around it", () => {
    const lines = ["  torch.OutOfMemoryError: first  ", "torch.OutOfMemoryError: second"];

    expect(explainLog(lines)?.evidence).toBe("torch.OutOfMemoryError: first");
  });

  test("is not found in the log of a good start", () => {
    const good = [
      `${API} INFO 01-01 10:00:01 [api_server.py:1839] vLLM API server version 0.11.2`,
      `${ENGINE} Loading safetensors checkpoint shards: 100% Completed | 4/4`,
      `${ENGINE} Available KV cache memory: 61.02 GiB`,
      `${API} WARNING: Setting PYTORCH_CUDA_ALLOC_CONF may help if memory runs low`,
      `${API} INFO:     Application startup complete.`,
    ];

    expect(explainLog(good)).toBeNull();
    expect(explainLog([])).toBeNull();
  });
});

describe("the end of a launcher", () => {
  test("is explained by the log before the exit code", () => {
    expect(explainEnd(0, ["torch.OutOfMemoryError: CUDA out of memory."]).code).toBe("out_of_memory");
    expect(explainEnd(127, ["Unable to find image 'vllm-node:latest' locally"]).code).toBe("image_missing");
  });

  test("with 0 is no success: nothing runs", () => {
    expect(explainEnd(0, ["Launching…", "Done."])).toMatchObject({
      code: "nothing_running",
      evidence: "exit code 0, and docker top shows no vLLM; last line: Done.",
    });
    expect(explainEnd(0, [])).toMatchObject({
      code: "nothing_running",
      evidence: "exit code 0, and docker top shows no vLLM",
    });
  });

  test("with 1 shows the last line that tells of an error", () => {
    const lines = ["Error: the first one", "Error: Mod path 'mods/nope' does not exist.", "Stopping cluster...", ""];

    expect(explainEnd(1, lines)).toMatchObject({
      code: "launch_failed",
      message: "The launch ended with exit code 1.",
      evidence: "Error: Mod path 'mods/nope' does not exist.",
    });
  });

  test("with 1 shows the last line where none tells of an error", () => {
    expect(explainEnd(1, ["one", "two", "  "]).evidence).toBe("two");
  });

  test("with 137 says that it was killed; what the script says while it tidies up is no evidence", () => {
    expect(explainEnd(137, ["Stopping cluster...", "Cluster stopped."])).toMatchObject({
      message: "vLLM was killed while it was loading.",
      evidence: "exit code 137 (SIGKILL), and no word about it",
    });
  });

  test("with 125, docker's own code, names the code", () => {
    expect(explainEnd(125, [])).toMatchObject({
      code: "launch_failed",
      message: "The launch ended with exit code 125.",
      evidence: "the launcher ended with exit code 125 and wrote nothing",
    });
  });

  test("with 127 means that the script or a program of it is missing", () => {
    expect(explainEnd(127, ["env: './launch-cluster.sh': No such file or directory"])).toMatchObject({
      code: "launch_script_missing",
      evidence: "env: './launch-cluster.sh': No such file or directory",
    });
  });

  test("without an exit code says so", () => {
    expect(explainEnd(null, [])).toMatchObject({
      code: "launch_failed",
      message: "The launch ended without an exit code.",
      evidence: "the launcher ended without an exit code and wrote nothing",
    });
  });
});
