import { describe, expect, test } from "bun:test";
import { drain } from "../../../../lib/swap/effects/drain.ts";
import { aRun } from "./_run.ts";

const open = new AbortController().signal;
const metrics = (running: number) => ({ status: 200, body: `vllm:num_requests_running{model_name="x"} ${running}\n` });

/** Drains a slot whose two counts take these values, reading by reading; the last one stays. */
async function readings(vllm: readonly (number | null)[], own: readonly number[]): Promise<number> {
  let count = 0;
  const at = <T>(values: readonly T[]) => values[Math.min(count, values.length) - 1]!;
  const run = aRun({
    control: {
      address: async () => "10.77.0.1",
      get: async () => {
        count++;
        const said = at(vllm);
        return said === null ? { status: null, body: null } : metrics(said);
      },
    },
    inFlight: () => at(own),
  });
  await drain(run, "forward", open);
  return count;
}

describe("a drain", () => {
  test("is over after two quiet readings of both counts", async () => {
    expect(await readings([0], [0])).toBe(2);
  });

  test("waits for requests of the gateway that the vLLM does not show yet", async () => {
    expect(await readings([0], [1, 1, 0])).toBe(4);
  });

  test("waits for requests that go to the vLLM past the gateway", async () => {
    expect(await readings([2, 1, 0], [0])).toBe(4);
  });

  test("begins to count anew when one comes in between", async () => {
    expect(await readings([0, 1, 0], [0])).toBe(4);
  });

  test("is over at once where nothing answers and nothing is in flight", async () => {
    expect(await readings([null], [0])).toBe(1);
  });

  test("does not cut a request of the gateway because the vLLM's figures do not answer", async () => {
    expect(await readings([null], [1, 0])).toBe(2);
  });
});
