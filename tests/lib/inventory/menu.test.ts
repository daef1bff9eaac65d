/** Models that lie on a disk and are in no catalog: what is inferred, and how they join the menu. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { loadCatalog } from "../../../lib/catalog/load-catalog.ts";
import { invalidName } from "../../../lib/config/values.ts";
import { type Found, inferModel } from "../../../lib/inventory/infer-model.ts";
import { menuOf, merged } from "../../../lib/inventory/menu.ts";

const GB = 1e9;
const found = (over: Partial<Found> = {}): Found => ({
  repo: "Qwen/Qwen3-8B-FP8",
  bytes: 9.5 * GB,
  unfinished: 0,
  config: JSON.stringify({
    architectures: ["Qwen3ForCausalLM"],
    max_position_embeddings: 40_960,
    quantization_config: { quant_method: "fp8" },
  }),
  ...over,
});
const infer = (over: Partial<Found> = {}, sparks = 2) => inferModel(found(over), new Set(), sparks);
const config = (value: unknown) => ({ config: JSON.stringify(value) });

describe("a model on a disk", () => {
  test("is loadable as it is when a recipe fits its architecture", () => {
    expect(infer()).toMatchObject({
      needsSetup: null,
      model: {
        key: "qwen3-8b-fp8",
        name: "Qwen3-8B-FP8",
        nodes: 1,
        size_gb: 9.5,
        quantization: "FP8",
        max_model_len: 40_960,
        gpu_memory_utilization: 0.3,
        args: ["--enable-auto-tool-choice", "--tool-call-parser", "hermes"],
        origin: "disk",
      },
    });
  });

  test("that is too large for one Spark takes two, if there are two", () => {
    expect(infer({ bytes: 124 * GB }).model).toMatchObject({ nodes: 2, gpu_memory_utilization: 0.65 });
    expect(infer({ bytes: 124 * GB }, 1).model).toMatchObject({ nodes: 1, gpu_memory_utilization: 0.85 });
  });

  test("of another quantization says so", () => {
    const quantization = (value: unknown) => infer(config(value)).model.quantization;
    expect(quantization({ quantization_config: { quant_method: "awq", bits: 4 } })).toBe("4-bit AWQ");
    expect(quantization({ quantization_config: { quant_method: "modelopt", quant_algo: "NVFP4" } })).toBe("NVFP4");
    expect(quantization({ torch_dtype: "bfloat16" })).toBe("BF16, not quantised");
    expect(quantization({ text_config: { torch_dtype: "float16" } })).toBe("FP16, not quantised");
    expect(quantization({})).toBeNull();
  });

  const lacking: [string, Partial<Found>, string][] = [
    [
      "with an unknown architecture",
      config({ architectures: ["AuroraForCausalLM"] }),
      "There is no recipe for AuroraForCausalLM yet.",
    ],
    ["that is no chat model", config({ architectures: ["XLMRobertaModel"] }), "It is no chat model (XLMRobertaModel)."],
    ["without a config", { config: null }, "Its config.json cannot be read"],
    ["with a config that says nothing", config({}), "does not say what kind of model it is"],
    ["with garbage for a config", { config: "{" }, "does not say what kind of model it is"],
    ["that is half downloaded", { unfinished: 2 }, "Its download is not finished."],
  ];
  for (const [what, over, why] of lacking)
    test(`${what} needs to be set up`, () => expect(infer(over).needsSetup).toContain(why));

  test("is an entry that the catalog would take, whatever its config and its name", () => {
    const repos = fc.stringMatching(/^[A-Za-z0-9][\w.-]{0,90}\/[A-Za-z0-9][\w.-]{0,90}$/);
    const configs = fc.oneof(
      fc.json(),
      fc.string(),
      fc.constant(null),
      fc.object().map((value) => JSON.stringify({ ...value, architectures: ["LlamaForCausalLM"] })),
    );
    fc.assert(
      fc.property(repos, configs, fc.nat(2 ** 42), fc.array(repos, { maxLength: 3 }), (repo, text, bytes, others) => {
        const taken = new Set(others.map((other) => other.toLowerCase().replaceAll("/", "-").slice(0, 64)));
        const { model } = inferModel({ repo, bytes, unfinished: 0, config: text }, taken, 2);
        expect(invalidName(model.key)).toBeNull();
        expect(taken.has(model.key)).toBe(false);
        expect(model.gpu_memory_utilization).toBeGreaterThanOrEqual(0.3);
        expect(model.gpu_memory_utilization).toBeLessThanOrEqual(0.85);
        if (model.max_model_len !== null) expect(Number.isInteger(model.max_model_len)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("the menu", () => {
  const catalog = (text: string) =>
    loadCatalog({
      shipped: { name: "models.yaml", text: "models:\n  small: { repo: acme/small }\n" },
      overrides: { name: "models-overrides.yaml", text },
    });

  test("has the catalog first, then what lies on the disks besides, in the order of names", () => {
    const disk = [found(), found({ repo: "acme/other" }), found({ repo: "acme/small" })];
    const { models, needsSetup, loadable } = menuOf(catalog(""), disk, 2);

    expect(models.map(({ key }) => key)).toEqual(["small", "qwen3-8b-fp8", "other"]);
    expect(needsSetup.size).toBe(0);
    expect(loadable.models).toHaveLength(3);
  });

  test("does not bring back what somebody took out", () => {
    expect(menuOf(catalog("models:\n  small: null\n"), [found({ repo: "acme/small" })], 2).models).toEqual([]);
    expect(menuOf(catalog("models:\n  small: { hidden: true }\n"), [found({ repo: "acme/small" })], 2).models).toEqual(
      [],
    );
  });

  test("shows what needs to be set up, and keeps it from being loaded", () => {
    const { models, needsSetup, loadable } = menuOf(catalog(""), [found({ config: null })], 2);

    expect(models.map(({ key }) => key)).toEqual(["small", "qwen3-8b-fp8"]);
    expect([...needsSetup.keys()]).toEqual(["qwen3-8b-fp8"]);
    expect(loadable.models.map(({ key }) => key)).toEqual(["small"]);
  });

  test("knows a repository once, by the Spark that tells most of it", () => {
    const part = found({ bytes: GB, config: null });
    expect(merged([[part], [found()]])).toEqual([found()]);
    expect(merged([[found()], [part]])).toEqual([found()]);
  });
});
