import { describe, expect, test } from "bun:test";
import type { Model } from "../../../lib/catalog/catalog.ts";
import type { Belief } from "../../../lib/swap/facts.ts";
import { type SlotObservation, slotStatus } from "../../../lib/swap/slots.ts";
import type { SwapJob } from "../../../lib/swap/swap.ts";
import { aBelief, aJob, aModel, aSlot } from "./_fixtures.ts";

const qwen = aModel();
const glm = aModel({ key: "glm", name: "GLM 4.5 Air", source: { kind: "repo", repo: "zai-org/GLM-4.5-Air" } });
const silent: SlotObservation = { address: "10.77.0.1", servedIds: null, requests: null };
const serving = (...ids: string[]): SlotObservation => ({ address: "10.77.0.1", servedIds: ids, requests: null });

function status(given: {
  belief?: Belief;
  seen?: SlotObservation;
  job?: SwapJob;
  models?: Model[];
  loadedBy?: SwapJob;
}) {
  const { models = [qwen, glm], ...known } = given;
  const catalog = { models, problems: [] };
  return slotStatus({ slot: aSlot(), loadedBy: null, difference: null, inFlight: 0, catalog, ...known });
}

describe("a slot", () => {
  test("serves the model that was loaded from here", () => {
    expect(status({ belief: aBelief(qwen), seen: serving("Qwen/Qwen3-14B") })).toEqual({
      name: "main",
      nodes: ["spark-1", "spark-2"],
      port: 8888,
      container: "vllm_node",
      state: "serving",
      model: "qwen3-14b",
      model_name: "Qwen3 14B",
      served_ids: ["Qwen/Qwen3-14B"],
      adapters: [],
      since: "2026-01-01T00:00:00.000+00:00",
      by_hand: false,
      url: "http://10.77.0.1:8888/v1",
      job_id: null,
      requests: null,
      in_flight: 0,
      loaded_by: null,
      load_seconds: null,
      difference: null,
    });
  });

  test("serves a model of the catalog that was loaded by hand", () => {
    expect(status({ seen: serving("Qwen/Qwen3-14B") })).toMatchObject({
      state: "serving",
      model: "qwen3-14b",
      by_hand: true,
      since: null,
    });
  });

  test("serves a model that the catalog does not know, under the name that it gives itself", () => {
    expect(status({ seen: serving("acme/secret-70b") })).toMatchObject({
      state: "serving",
      model: null,
      model_name: "acme/secret-70b",
      by_hand: true,
    });
  });

  test("that serves another model than the one loaded from here: what it says counts", () => {
    expect(status({ belief: aBelief(qwen), seen: serving("zai-org/GLM-4.5-Air") })).toMatchObject({
      state: "serving",
      model: "glm",
      by_hand: true,
      since: null,
    });
  });

  test("does not answer though a model was loaded from here", () => {
    expect(status({ belief: aBelief(qwen), seen: silent })).toMatchObject({
      state: "not_answering",
      model: "qwen3-14b",
      by_hand: false,
    });
  });

  test("shows the last words of what died right after it was ready, until something answers", () => {
    const failure = { code: "died_after_ready", message: "It ended.", evidence: "last words", advice: null };
    const loadedBy = aJob({ state: "ready", died: { at: "2026-01-01T00:00:10Z", failure, restored_by: null } });
    const slot = (seen: SlotObservation) => status({ belief: aBelief(qwen), seen, loadedBy });
    expect(slot(silent).difference).toEqual({ ...failure, since: "2026-01-01T00:00:10Z" });
    expect(slot(serving("Qwen/Qwen3-14B")).difference).toBeNull();
  });

  test("is idle when nothing was loaded and nothing answers", () => {
    expect(status({ seen: silent })).toMatchObject({ state: "idle", model: null, model_name: null, by_hand: false });
  });

  test("is idle when a server answers that has no model", () => {
    expect(status({ seen: serving() })).toMatchObject({ state: "idle", model: null, model_name: null, by_hand: false });
  });

  test("is unknown before the first look, with what is believed", () => {
    expect(status({})).toMatchObject({ state: "unknown", model: null, url: null });
    expect(status({ belief: aBelief(qwen) })).toMatchObject({ state: "unknown", model: "qwen3-14b", url: null });
  });

  test("is unknown when its head has no address", () => {
    expect(status({ seen: { address: null, servedIds: null, requests: null } })).toMatchObject({
      state: "unknown",
      url: null,
    });
  });

  test("is unknown while nothing at all is heard from its head", () => {
    const unheard = { ...silent, unheard: true };
    expect(status({ seen: unheard })).toMatchObject({ state: "unknown", model: null });
    expect(status({ belief: aBelief(qwen), seen: unheard })).toMatchObject({ state: "not_answering" });
  });

  test("is swapping while a swap owns it, whatever answers", () => {
    for (const seen of [silent, serving("Qwen/Qwen3-14B")])
      expect(status({ seen, job: aJob({ job_id: "job-9" }) })).toMatchObject({ state: "swapping", job_id: "job-9" });
  });
});
