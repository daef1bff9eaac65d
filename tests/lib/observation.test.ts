/** Whose failure a request was: figures, traffic, and traffic as it is put together again after a restart agree. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEventBus } from "../../lib/events/bus.ts";
import { Fault } from "../../lib/fault.ts";
import type { RequestRecord } from "../../lib/gateway/trace.ts";
import { createObservation } from "../../lib/observation.ts";
import { openStore, type Store } from "../../lib/store/store.ts";
import { tooSlow, UPLOAD_PACE } from "../../lib/upload-pace.ts";

const SERVICE = "service:kokoro";
const fault = (kind: ConstructorParameters<typeof Fault>[0], code: string) => new Fault(kind, code, "It is so.");

let folder: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "spark-observation-"));
  store = openStore(folder);
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const observe = () =>
  createObservation({
    store,
    events: createEventBus(),
    report: (error) => {
      throw error;
    },
    swapsRunning: () => 0,
    lock: () => null,
    lockWaiting: () => 0,
    load: () => [],
  });

test.each<[string, number, Partial<RequestRecord>]>([
  ["an answer", 0, {}],
  ["a refusal of the upstream's", 0, { status: 422 }],
  ["a refusal of the upstream's, told in other words", 0, { status: 422, fault: fault("invalid", "upstream_refused") }],
  ["an upload that is too large", 0, { outcome: "failed", status: null, fault: fault("too_large", "too_large") }],
  ["one that is too slow", 0, { outcome: "failed", status: null, fault: tooSlow(UPLOAD_PACE) }],
  ["one that is too slow, below an answer that had begun", 0, { outcome: "failed", fault: tooSlow(UPLOAD_PACE) }],
  ["a queue that is full", 0, { outcome: "refused", status: null, fault: fault("unavailable", "queue_full") }],
  ["a client that left", 0, { outcome: "left", status: null }],
  ["no answer", 1, { outcome: "failed", status: null, fault: fault("timeout", "upstream_timeout") }],
  ["an answer that breaks off", 1, { outcome: "failed", fault: fault("upstream", "upstream_closed") }],
  ["an answer that says so", 1, { status: 503 }],
])("%s: %i failures", async (_, failures, how) => {
  const before = observe();
  const record: RequestRecord = {
    ...{ upstream: SERVICE, route: "/v1/audio/speech", model: null, outcome: "complete", status: 200, fault: null },
    ...{
      queueSeconds: 0,
      seconds: 1,
      firstByteSeconds: null,
      bytesIn: 9,
      bytesOut: 9,
      tokensIn: null,
      tokensOut: null,
    },
    ...how,
  };
  before.requests.onEnd(record, { caller: "10.77.0.9" });
  before.activity.close();
  const after = observe();
  after.activity.close();

  const failed = ({ traffic }: typeof before) => traffic.of(SERVICE, 0, Date.now()).failed;
  expect([failed(before), failed(after)]).toEqual([failures, failures]);
  const lines = (await before.metrics.registry.metrics()).split("\n");
  const counted = lines.filter((line) => line.startsWith("spark_gateway_upstream_errors_total{"));
  expect(counted).toHaveLength(failures);
});
