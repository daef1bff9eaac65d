/** `/v1/models`: what each entry says of its names. */
import { expect, test } from "bun:test";
import { ModelList } from "../../../lib/gateway/model-list.ts";

const PLACE = { slot: "main", origin: "http://10.77.0.1:8888", open: true, swap: null };

test("other names of a model are listed once, and its own is not among them", async () => {
  const list = new ModelList({
    created: 0,
    // The key, the aliases of the catalog and the repository: which of them it is served under is open.
    places: () => [{ ...PLACE, served: ["acme/one"], aliases: ["acme/one", "one", "first", "acme/one"] }],
    catalog: () => [
      { key: "one", servedName: "acme/one", aliases: ["one", "first"], maxModelLen: 4096 },
      { key: "two", servedName: "acme/two", aliases: ["acme/two", "two", "two"], maxModelLen: null },
    ],
    services: () => [],
    keyOf: () => "one",
  });

  const named = (await list.all()).map(({ id, loaded, aliases }) => [id, loaded, ...aliases]);

  expect(named).toEqual([
    ["acme/one", true, "one", "first"],
    ["acme/two", false, "two"],
  ]);
});
