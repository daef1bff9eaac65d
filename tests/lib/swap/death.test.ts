import { describe, expect, test } from "bun:test";
import { type Death, deathOf } from "../../../lib/swap/death.ts";
import { aModel } from "./_fixtures.ts";

const GONE = "docker inspect vllm_node on spark-1 finds no container that runs";
const exited = (exitCode: number | null) => ({ state: "exited" as const, exitCode });
const why = (given: Partial<Death>, seconds = 12) =>
  deathOf(aModel(), seconds, {
    gone: GONE,
    outlived: false,
    launcher: exited(1),
    rebooted: null,
    lines: [],
    killedOn: null,
    ...given,
  });

describe("why a model ended right after it was ready", () => {
  test("what its log says of memory comes first, with the line and what to try", () => {
    const lines = ["INFO: 10.77.0.9 POST", "torch.OutOfMemoryError: CUDA out of memory.", "EngineDeadError: see above"];

    expect(why({ lines })).toMatchObject({
      code: "died_after_ready",
      message: "Qwen3 14B ended 12 seconds after it was ready. Memory ran out.",
      evidence: `last words: torch.OutOfMemoryError: CUDA out of memory.; exit code 1; ${GONE}`,
      advice: expect.stringContaining("gpu_memory_utilization"),
    });
  });

  test("an end that is known from logs is told as such, one without words by its exit code", () => {
    expect(why({ lines: ["EngineDeadError: EngineCore encountered an issue."] })?.message).toEndWith(
      "Its log says why.",
    );
    expect(why({}, 1)).toMatchObject({
      message: "Qwen3 14B ended 1 second after it was ready.",
      evidence: `exit code 1; ${GONE}`,
    });
  });

  test("a kill without a word points to the kernel's log", () => {
    expect(why({ launcher: exited(137), outlived: true })).toMatchObject({
      message: expect.stringMatching(/It was killed\.$/),
      evidence: `exit code 137 (SIGKILL); ${GONE}`,
      advice: expect.stringContaining("dmesg"),
    });
  });

  test("what docker says of its container is the reason where nothing else is said of it", () => {
    const lines = ["EngineDeadError: EngineCore encountered an issue."];
    for (const given of [{ launcher: exited(137) }, { lines }])
      expect(why({ ...given, killedOn: "docker inspect vllm_node on spark-1 shows OOMKilled" })).toMatchObject({
        message: "Qwen3 14B ended 12 seconds after it was ready. Memory ran out.",
        evidence: expect.stringContaining("docker inspect vllm_node on spark-1 shows OOMKilled"),
        advice: expect.stringContaining("gpu_memory_utilization"),
      });
  });

  test("a restart of its Spark is the reason, whatever else is there", () => {
    expect(why({ rebooted: "spark-2", launcher: exited(null) })).toMatchObject({
      message: expect.stringMatching(/spark-2 was restarted\.$/),
      evidence: "spark-2: another boot id than at the launch",
    });
  });
});

describe("it did not die", () => {
  test("when its container went in the same moment, without a word and an exit code of its own: it was stopped", () => {
    for (const exitCode of [137, 0, null])
      expect(why({ launcher: exited(exitCode), lines: ["Stopping cluster...", "Cluster stopped."] })).toBeNull();
  });

  test("when a request had been turned down before it was stopped: that is no word about its end", () => {
    const requests = [
      '(APIServer pid=1) INFO:     10.77.0.9:51234 - "POST /v1/chat/completions HTTP/1.1" 404 Not Found',
      "ERROR 11-28 23:01:02 [serving_chat.py:200] Error with model error=ErrorInfo(message='The model `x` does not exist.')",
    ];
    for (const line of requests)
      expect(why({ launcher: exited(137), lines: [line, "Stopping cluster...", "Cluster stopped."] })).toBeNull();
    expect(why({ lines: ["Worker proc died.", ...requests] })?.evidence).toStartWith("last words: Worker proc died.;");
  });

  test("when it was killed together with its container: whatever lost it says so, and nobody says why", () => {
    for (const missed of [
      "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {'EngineCore_DP0': 1}",
      "Error response from daemon: No such container: vllm_node",
      "torch.distributed.DistBackendError: Connection closed by peer",
    ])
      expect(why({ launcher: exited(137), lines: [missed, "Stopping cluster...", "Cluster stopped."] })).toBeNull();
  });

  test("but it did when it left its container behind, or words, or an exit code of its own", () => {
    expect(why({ launcher: exited(137), outlived: true })).not.toBeNull();
    expect(why({ launcher: exited(null), lines: ["RuntimeError: CUDA error"] })).not.toBeNull();
    expect(why({ launcher: exited(1) })).not.toBeNull();
  });
});
