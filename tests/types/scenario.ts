/** The consumer's functions against a running product: the types must tell what is really answered. */
import assert from "node:assert/strict";
import { sparkControl } from "spark-control/client";
import * as consumer from "./consumer.ts";

const NO_SUCH_SWAP = "0192f0c1-2b7a-7c3e-9d55-3a1f0f6f9b01";
const BETWEEN_LOOKS_MS = 50;
const READY_WITHIN_MS = 30_000;

async function untilSettled(client: ReturnType<typeof sparkControl>, id: string) {
  const deadline = Date.now() + READY_WITHIN_MS;
  for (;;) {
    const seen = await consumer.look(client, id);
    if (seen.state === "ready" || seen.state === "failed" || seen.state === "cancelled") return seen;
    if (Date.now() > deadline) throw new Error(`the swap is ${seen.state} after ${READY_WITHIN_MS} ms`);
    await Bun.sleep(BETWEEN_LOOKS_MS);
  }
}

/** Steps in order; each needs those before it. @param url of a product with the simulated cluster, nothing loaded */
export function scenario(url: string): readonly (readonly [name: string, step: () => Promise<void>])[] {
  const client = sparkControl(url);
  let id = "";
  return [
    [
      "lists the models of the catalog",
      async () => {
        const models = await consumer.listModels(client);
        assert.ok(models.some(({ key }) => key === "gpt-oss-20b"));
      },
    ],
    [
      "plans a swap",
      async () => {
        const plan = await consumer.plan(client, "gpt-oss-20b");
        assert.equal("fits" in plan && plan.fits, true);
      },
    ],
    [
      "tells an unknown model by its typed 404",
      async () => assert.ok("unknown" in (await consumer.plan(client, "no-such-model"))),
    ],
    [
      "starts a swap",
      async () => {
        const begun = await consumer.swap(client, "gpt-oss-20b");
        assert.equal(begun.mine, true);
        id = begun.id;
      },
    ],
    [
      "reads the running swap's id from a typed 409",
      async () => assert.deepEqual(await consumer.swap(client, "qwen3-30b-a3b"), { id, mine: false }),
    ],
    [
      "follows the stream to its end",
      async () => {
        const { states, lines } = await consumer.follow(client, id);
        assert.equal(states.at(-1), "ready");
        assert.ok(lines > 0);
      },
    ],
    [
      "polls the swap until it is ready; times are strings",
      async () => {
        const seen = await untilSettled(client, id);
        assert.equal(seen.state, "ready");
        assert.match(seen.created ?? "", /^\d{4}-\d\d-\d\dT.+\+00:00$/);
      },
    ],
    ["finds it in the history", async () => assert.deepEqual(await consumer.history(client, 1), [id])],
    [
      "gets a 404 with its code for an unknown swap",
      async () => {
        const { status, code } = await consumer.look(client, NO_SUCH_SWAP);
        assert.equal(status, 404);
        assert.match(code ?? "", /^[a-z_]+$/);
      },
    ],
  ];
}
