/** Which models lie on which disk, from what the Sparks said. */
import { describe, expect, test } from "bun:test";
import { availability, type DiskUse, downloadOf, folderOf, onDisk } from "../../../lib/inventory/disks.ts";
import { aModel } from "../swap/_fixtures.ts";

const GB = 1e9;
const model = aModel({ size_gb: 30, nodes: 2 });
const folder = "~/.cache/huggingface/hub/models--Qwen--Qwen3-14B";
const use = (sizes: Record<string, number | null>): DiskUse =>
  new Map(Object.entries(sizes).map(([node, bytes]) => [node, new Map([[folder, bytes]])]));
const BOTH = ["spark-1", "spark-2"];

test("a repository lies in the cache of Hugging Face, a local model in its folder", () => {
  expect(folderOf(model)).toBe(folder);
  expect(folderOf(aModel({ source: { kind: "local", path: "/models/mine" } }))).toBe("/models/mine");
});

describe("a model", () => {
  test.each<[string, DiskUse, readonly string[], string]>([
    ["on both Sparks that it needs", use({ "spark-1": 30.4 * GB, "spark-2": 30.4 * GB }), BOTH, "on_disk"],
    ["on the one that it needs", use({ "spark-1": 30.4 * GB, "spark-2": null }), ["spark-1"], "on_disk"],
    ["on one of two", use({ "spark-1": 30.4 * GB, "spark-2": null }), BOTH, "partial"],
    ["half downloaded", use({ "spark-1": 14 * GB, "spark-2": 30.4 * GB }), BOTH, "partial"],
    ["on none", use({ "spark-1": null, "spark-2": null }), BOTH, "needs_download"],
    ["before any Spark was asked", new Map(), BOTH, "unknown"],
    ["while one of its Sparks could not be asked", use({ "spark-1": 30.4 * GB }), BOTH, "unknown"],
    ["that no slot has room for", use({ "spark-1": 30.4 * GB }), [], "on_disk"],
  ])("%s", (_, seen, nodes, expected) => expect(availability(model, seen, nodes)).toBe(expected as never));

  test("of unknown size counts as complete once it is there", () => {
    expect(availability(aModel({ size_gb: null }), use({ "spark-1": 1 }), ["spark-1"])).toBe("on_disk");
  });

  test("of one's own whose folder is on none of its Sparks is missing: nothing downloads it", () => {
    const mine = aModel({ source: { kind: "local", path: "/models/mine" }, size_gb: 30 });
    const there = (bytes: number | null): DiskUse => new Map([["spark-1", new Map([["/models/mine", bytes]])]]);

    expect(availability(mine, there(null), ["spark-1"])).toBe("missing");
    expect(availability(mine, there(30 * GB), ["spark-1"])).toBe("on_disk");
    expect(availability(mine, there(null), ["spark-2"])).toBe("unknown");
    expect(downloadOf(mine, there(null), ["spark-1"])).toBeNull();
  });

  test.each<[string, DiskUse, ReturnType<typeof downloadOf>]>([
    ["complete", use({ "spark-1": 30 * GB, "spark-2": 30 * GB }), null],
    [
      "missing on one Spark",
      use({ "spark-1": 30 * GB, "spark-2": null }),
      { nodes: ["spark-2"], begun: false, bytes: 30 * GB },
    ],
    ["begun", use({ "spark-1": 10 * GB, "spark-2": 20 * GB }), { nodes: BOTH, begun: true, bytes: 20 * GB }],
    ["on disks that nobody looked at", new Map(), null],
  ])("%s: what is left to download", (_, seen, expected) => expect(downloadOf(model, seen, BOTH)).toEqual(expected));

  test("is listed with its size on each Spark that has it", () => {
    expect(onDisk(model, use({ "spark-1": 5, "spark-2": null }))).toEqual([{ node: "spark-1", bytes: 5 }]);
    expect(onDisk(model, new Map())).toBeNull();
  });
});
