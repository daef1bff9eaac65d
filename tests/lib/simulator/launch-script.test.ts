import { describe, expect, test } from "bun:test";
import { quote } from "../../../lib/ssh/quote.ts";
import { Bench } from "./bench.ts";

const SMALL = "openai/gpt-oss-20b";
const LARGE = "QuantTrio/Qwen3-235B-A22B-Instruct-2507-AWQ";

describe("the new script", () => {
  async function ends(bench: Bench, words: readonly string[]) {
    await bench.startJob("script", ["./launch-cluster.sh", ...words]);
    await bench.jobEnds("script");
    return bench.readJob("script");
  }

  test("wants an action and knows its options", async () => {
    for (const words of [[], ["--unknown", "exec"], ["-n", "10.77.0.99", "exec", "vllm", "serve", SMALL]]) {
      await using bench = await Bench.start();

      const { fields, log } = await ends(bench, words);

      expect(fields.exit).toBe("1");
      expect(log).toContain("Error: ");
    }
  });

  test("wants its mods to be there", async () => {
    await using bench = await Bench.start();
    const serve = ["exec", "vllm", "serve", SMALL];

    const { fields, log } = await ends(bench, ["--solo", "--apply-mod", "mods/none", ...serve]);

    expect(fields.exit).toBe("1");
    expect(log).toContain("Error: Mod path 'mods/none' does not exist.");
  });

  test("status and stop exit 0 whatever they find", async () => {
    await using bench = await Bench.start();
    const nodes = ["-n", bench.cluster.nodes.map(({ address }) => address).join(",")];
    await bench.startJob("swap-1", bench.launchWords(SMALL));
    await bench.vllmAnswers();

    const status = await ends(bench, [...nodes, "status"]);
    await bench.startJob("stop", ["./launch-cluster.sh", ...nodes, "stop"]);
    await bench.jobEnds("stop");

    expect(status.fields.exit).toBe("0");
    expect(status.log).toContain(`[HEAD] ${bench.head.address}: Container 'vllm_node' is RUNNING.`);
    expect(status.log).toContain(`[WORKER] ${bench.worker.address}: Container 'vllm_node' is NOT running.`);
    expect((await bench.readJob("stop")).fields.exit).toBe("0");
    expect(bench.head.containers()).toEqual([]);
  });
});

describe("the old script", () => {
  const JSON_ARGUMENT = '{"image": 4}';

  test("shows its dialect, and so does the new one", async () => {
    await using old = await Bench.start({ launchScript: "old" });
    await using recent = await Bench.start();
    const words = ["cat", { home: "spark-vllm-docker/launch-cluster.sh" }] as const;

    const texts = [(await old.exec([...words])).stdout, (await recent.exec([...words])).stdout];

    expect(texts[0]).toContain('COMMAND_TO_RUN="$@"');
    expect(texts[0]).not.toContain("--solo");
    expect(texts[1]).toContain('COMMAND_TO_RUN=("$@")');
    expect(texts[1]).toContain("--solo");
  });

  test("takes arguments apart again: quoted once more they arrive, as they are they break", async () => {
    await using bench = await Bench.start({ launchScript: "old" });
    const once = bench.launchWords(SMALL, { flags: [], args: ["--limit-mm-per-prompt", JSON_ARGUMENT] });
    const twice = bench.launchWords(SMALL, { flags: [], args: ["--limit-mm-per-prompt", quote(JSON_ARGUMENT)] });

    await bench.startJob("swap-1", once);
    await bench.jobEnds("swap-1");
    await bench.startJob("swap-2", twice);
    await bench.vllmAnswers();

    expect((await bench.readJob("swap-1")).fields.exit).toBe("2");
    expect((await bench.readJob("swap-2")).log).toContain("Application startup complete.");
  });

  test("takes --solo for the command", async () => {
    await using bench = await Bench.start({ launchScript: "old" });

    await bench.startJob("swap-1", bench.launchWords(SMALL, { flags: ["--solo"] }));
    await bench.jobEnds("swap-1");

    expect((await bench.readJob("swap-1")).fields.exit).toBe("127");
  });

  test("on two nodes vLLM's log is in the launcher's", async () => {
    await using bench = await Bench.start({ launchScript: "old" });

    await bench.startJob("swap-1", bench.launchWords(LARGE, { nodes: 2 }));
    await bench.vllmAnswers();

    expect((await bench.readJob("swap-1")).log).toContain("Application startup complete.");
  });
});
