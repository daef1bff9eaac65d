/** What somebody does by hand on the Spark, with the real tools: the controller sees it, shows it, and changes nothing. */
import { expect, test } from "bun:test";
import type { SlotStatus } from "../../lib/swap/slots.ts";
import type { Plan } from "../../lib/swap/swap.ts";
import type { Controller } from "../support/controller.ts";
import { until } from "../support/until.ts";
import { type Launch, launch, ready } from "./launch.ts";
import { counts, inLab, LIMIT_MS, mains, served, slotOf } from "./survive-lab.ts";

/** Two looks at the Sparks, 15 s apart, and some time for them. */
const SEEN_MS = 60_000;
const serve = (model: string) => ["vllm", "serve", model, "--host", "0.0.0.0", "--port", "8888"];

async function difference(controller: Controller): Promise<NonNullable<SlotStatus["difference"]>> {
  let slot = await slotOf(controller);
  await until(
    "a difference is shown",
    async () => {
      slot = await slotOf(controller);
      return slot.difference !== null;
    },
    SEEN_MS,
  );
  return slot.difference!;
}

async function planOf(controller: Controller, model: string): Promise<Plan> {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ model });
  const response = await fetch(`${controller.url}/api/swap/plan`, { method: "POST", headers, body });
  return (await response.json()) as Plan;
}

/** @throws when the launch has ended */
async function answers(url: string, started: Launch): Promise<boolean> {
  const code = await started.exitCode();
  if (code !== null) throw new Error(`the launch ended with ${code}:\n${await started.log()}`);
  return fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
    ({ ok }) => ok,
    () => false,
  );
}

inLab("new", (its) => {
  test(
    "a model started by hand is recognised and left alone; a swap stops it first",
    async () => {
      const { lab } = its;
      await ready(lab, await launch(lab, { flags: ["--solo"], command: serve("acme/other") }));
      const before = await mains(lab);
      const controller = await its.start();

      const shown = await difference(controller);

      expect(shown).toMatchObject({ code: "by_hand", message: "acme/other was not started by Spark Control." });
      expect(shown.evidence).toMatch(/^spark-1: docker top vllm_node shows .*vllm serve acme\/other/);
      expect(await slotOf(controller)).toMatchObject({ state: "serving", model: "other", by_hand: true });
      expect(await mains(lab)).toEqual(before);

      expect(await controller.swap("small")).toMatchObject({ state: "ready", previous_model: null });
      expect(await counts(lab)).toEqual([1, 0]);
      expect(await slotOf(controller)).toMatchObject({ model: "small", by_hand: false, difference: null });
    },
    LIMIT_MS,
  );

  test.each([8888, 9000])(
    "a vLLM in a container of another name, on port %d, is shown and warned of, and a swap leaves it alone",
    async (port) => {
      const { lab } = its;
      const started = await launch(lab, {
        flags: ["--solo", "--name", "mine"],
        command: ["vllm", "serve", "acme/other", "--host", "0.0.0.0", "--port", String(port)],
      });
      const url = lab.vllmUrl.replace(/\d+$/, String(port));
      await until("it answers", () => answers(`${url}/health`, started), SEEN_MS);
      const before = await mains(lab);
      const controller = await its.start();

      const shown = await difference(controller);

      expect(shown).toMatchObject({
        code: "stranger",
        message: expect.stringMatching(new RegExp(`^acme/other \\(container mine, port ${port}\\) runs on spark-1`)),
        advice: expect.stringMatching(/^A swap does not stop it.* on spark-1: docker stop mine$/),
      });
      const plan = await planOf(controller, "small");
      expect(plan.summary[0]).toStartWith("This swap stops nothing.");
      const job = await controller.swap("small");
      if (port === 8888) {
        expect(plan.blockers).toMatchObject([{ code: "port_taken", message: expect.stringContaining("acme/other") }]);
        expect(job).toMatchObject({ state: "failed", failure: { code: "port_taken" } });
        expect(await mains(lab)).toEqual(before);
      } else {
        expect(plan.blockers).toEqual([]);
        // Whether the disk has been looked at by now, which warns of a download, is not this test's matter.
        expect(plan.warnings.map(({ code }) => code)).toContain("stranger");
        expect(job).toMatchObject({ state: "ready" });
        expect(await counts(lab)).toEqual([2, 0]);
      }

      // What the advice says, word for word.
      expect((await lab.head.exec("docker stop mine")).exitCode).toBe(0);
      await until("nothing differs", async () => (await slotOf(controller)).difference === null, SEEN_MS);
      expect(await counts(lab)).toEqual([port === 8888 ? 0 : 1, 0]);
    },
    LIMIT_MS,
  );

  test(
    "a container stopped by hand, then another model started by hand in its place: each is told from the belief",
    async () => {
      const { lab } = its;
      const controller = await its.start();
      expect(await controller.swap("small")).toMatchObject({ state: "ready" });

      await lab.head.exec("docker stop -t 1 vllm_node");
      expect(await difference(controller)).toMatchObject({
        code: "container_gone",
        evidence: "spark-1: docker inspect vllm_node finds nothing",
      });
      expect(await counts(lab)).toEqual([0, 0]);

      await ready(lab, await launch(lab, { flags: ["--solo"], command: serve("acme/other") }));
      await until(
        "the other model is told",
        async () => (await difference(controller)).code === "another_model",
        SEEN_MS,
      );
      const shown = await difference(controller);
      expect(shown.message).toStartWith("acme/other answers here. small was loaded by Spark Control");
      expect(await served(lab)).toEqual(["acme/other"]);

      expect(await controller.swap("third")).toMatchObject({ state: "ready" });
      expect(await counts(lab)).toEqual([1, 0]);
    },
    LIMIT_MS,
  );
});
