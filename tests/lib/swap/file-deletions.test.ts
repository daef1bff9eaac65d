/** Files are not deleted under a swap, and a swap does not begin while its files are being deleted, whoever comes first. */
import { expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import type { Model } from "../../../lib/catalog/catalog.ts";
import type { Fault } from "../../../lib/fault.ts";
import { hubFolder } from "../../../lib/inventory/disks.ts";
import { deleteFiles, FileDeletions } from "../../../lib/model-files.ts";
import { EngineBench, GLM, QWEN } from "./_engine-bench.ts";
import { aModel, aTopology } from "./_fixtures.ts";

setDefaultTimeout(60_000);

const never = new AbortController().signal;
const REPO = QWEN.source.kind === "repo" ? QWEN.source.repo : "";

/** A deletion that goes on until it is told to end, beside an engine. */
function bench(models: readonly Model[] = [QWEN, GLM]) {
  const deletions = new FileDeletions();
  const it = new EngineBench({ isBeingDeleted: (model) => deletions.isOf(model) });
  const removing = Promise.withResolvers<void>();
  const removals: string[] = [];
  const remove = () =>
    deleteFiles(
      {
        deletions,
        models: () => models,
        use: () => new Map([["spark-1", new Map([[hubFolder(REPO), 1]])]]),
        topology: () => aTopology(),
        inUse: () => ({
          beliefs: it.engine.beliefs(),
          needed: it.engine.claims.needed(),
          slots: [],
        }),
        isDownloading: () => false,
        permit: () => undefined,
        remove: (node) => {
          removals.push(node.name);
          return removing.promise;
        },
        lookAgain: () => undefined,
      },
      { key: models[0]?.key ?? "", confirm: REPO, token: null },
      never,
    );
  const swap = (model = QWEN.key) => it.engine.start({ model, requestedBy: "test" });
  return { it, removals, finish: removing.resolve, remove, swap };
}
const codeOf = (work: () => unknown): string => {
  try {
    work();
    return "begun";
  } catch (error) {
    return (error as Fault).code;
  }
};

test("while the files are deleted a swap to that model is refused, and its plan says why; another model is loaded", async () => {
  const { it, remove, finish, swap } = bench();
  await using _ = it;
  const deleted = remove();

  expect(codeOf(() => swap())).toBe("files_being_deleted");
  const { blockers } = await it.engine.plan({ model: QWEN.key }, never);
  expect(blockers).toContainEqual(expect.objectContaining({ code: "files_being_deleted" }));
  await expect(remove()).rejects.toMatchObject({ code: "files_being_deleted" });
  expect(codeOf(() => swap(GLM.key))).toBe("begun");

  finish();
  expect(await deleted).toMatchObject({ repo: REPO, deleted: [{ node: "spark-1" }] });
});

test("once they are deleted, or could not be, the model may be loaded again", async () => {
  const { it, remove, finish, swap } = bench();
  await using _ = it;
  const deleted = remove();
  finish();
  await deleted;

  expect(codeOf(() => swap())).toBe("begun");
});

test("once a swap has begun nothing of its model is deleted", async () => {
  const { it, remove, removals, swap } = bench();
  await using _ = it;
  swap();

  await expect(remove()).rejects.toMatchObject({ code: "model_in_use" });
  expect(removals).toEqual([]);
});

test("nor when its entry of the catalog was changed since, and another one has its files", async () => {
  const renamed = aModel({ key: "renamed", source: QWEN.source });
  const { it, remove, removals, swap } = bench([renamed, { ...QWEN, source: GLM.source }, GLM]);
  await using _ = it;
  swap();

  await expect(remove()).rejects.toMatchObject({ code: "model_in_use" });
  expect(removals).toEqual([]);
});

test("of a swap and a deletion that meet, at whatever moment, exactly one happens", async () => {
  const moment = fc.nat({ max: 6 });
  await fc.assert(
    fc.asyncProperty(moment, moment, async (beforeSwap, beforeRemove) => {
      const { it, remove, removals, finish, swap } = bench();
      await using _ = it;
      const after = async <T>(turns: number, work: () => T): Promise<Awaited<T>> => {
        for (let turn = 0; turn < turns; turn += 1) await null;
        return await work();
      };
      const deleting = after(beforeRemove, remove).then(
        () => "deleted",
        (error: Fault) => error.code,
      );
      const swapped = await after(beforeSwap, () => codeOf(() => swap()));
      // Until here the deletion cannot have ended: whatever began is still under way.
      for (let turn = 0; turn < 20; turn += 1) await null;
      expect([swapped === "begun", removals.length > 0]).toEqual(swapped === "begun" ? [true, false] : [false, true]);
      finish();
      expect(await deleting).toBe(swapped === "begun" ? "model_in_use" : "deleted");
    }),
    { numRuns: 20 },
  );
});
