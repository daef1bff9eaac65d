/** SIGKILL of the controller when the model has answered first and its chat is not verified yet: the log of the adopted job is whole. */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { type SimulatedCluster, startSimulator } from "../../lib/simulator/simulator.ts";
import type { LogLine, SwapJob } from "../../lib/swap/swap.ts";
import { Controller, makeDataDir } from "../support/controller.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(90_000);

const SPEED = 30;
const MODEL = "gpt-oss-20b";

const data = makeDataDir();
let cluster: SimulatedCluster | undefined;
let controller: Controller | undefined;

afterEach(async () => {
  await controller?.kill();
  await cluster?.close();
  data.remove();
});

/** What the launch has said, without what differs from one load to the next: ids, figures. */
async function spoken(jobId: string): Promise<string[]> {
  const { lines } = await controller!.get<{ lines: LogLine[] }>(`/api/swap/${jobId}/lines?after=0&limit=1000`);
  return lines.filter(({ source }) => source === "launch").map(({ line }) => line.replaceAll(/[0-9a-f]{6,}|\d+/g, "#"));
}

test("a controller that is killed before the chat is verified has lost no line of the load", async () => {
  cluster = await startSimulator({ ports: "ephemeral", speed: SPEED, authorizedKey: data.publicKeyLine });
  await Bun.write(join(data.dataDir, "topology.yaml"), cluster.topologyYaml);
  controller = await Controller.start({ dataDir: data.dataDir });
  const undisturbed = await controller.swap(MODEL);
  const whole = await spoken(undisturbed.job_id);
  expect([undisturbed.state, whole.length > 15]).toEqual(["ready", true]);

  const { job_id } = await controller.begin(MODEL);
  const state = async () => (await controller!.get<SwapJob>(`/api/swap/${job_id}`)).state;
  await until("it has answered", async () => ["verifying", "ready"].includes(await state()), 40_000);
  await controller.kill();
  controller = await Controller.start({ dataDir: data.dataDir });

  expect(await controller.settled(job_id)).toMatchObject({ state: "ready", failure: null });
  expect(await spoken(job_id)).toEqual(whole);
});
