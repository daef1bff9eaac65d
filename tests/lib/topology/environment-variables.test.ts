import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ENVIRONMENT_VARIABLES } from "../../../lib/topology/environment-variables.ts";
import { loadTopology } from "../../../lib/topology/load-topology.ts";

/** Names that loading a topology asks the environment for. */
function namesRead(): Set<string> {
  const names = new Set<string>();
  const env = new Proxy<Record<string, string | undefined>>(
    {},
    {
      get(_, name) {
        names.add(String(name));
        return undefined;
      },
    },
  );
  loadTopology({ files: {}, env });
  return names;
}

test("the table lists exactly the variables that are read, and those of the process", () => {
  const table = ENVIRONMENT_VARIABLES.filter(({ area }) => area !== "process").map(({ name }) => name);

  expect(table.sort()).toEqual([...namesRead()].sort());
});

test("each variable is listed once and explained in a sentence", () => {
  const names = ENVIRONMENT_VARIABLES.map(({ name }) => name);

  expect(new Set(names).size).toBe(names.length);
  expect(ENVIRONMENT_VARIABLES.filter(({ meaning }) => !meaning.endsWith("."))).toEqual([]);
});

test("each variable is in the table of the docs, with its default", () => {
  const page = readFileSync(join(import.meta.dir, "../../../docs/guides/configuration.md"), "utf8");
  const rows = page.split("\n").filter((line) => /^\| `[A-Z]/.test(line));
  const named = rows.flatMap((row) => [...row.split("|")[1]!.matchAll(/`([A-Z0-9_]+)`/g)].map(([, name]) => name));

  expect(named.toSorted()).toEqual(ENVIRONMENT_VARIABLES.map(({ name }) => name).toSorted());
  const wrong = ENVIRONMENT_VARIABLES.filter(({ name, default: fallback }) => {
    const row = rows.find((each) => each.includes(`\`${name}\``))!;
    const [, , , told = ""] = row.split("|");
    return fallback !== null && !told.replaceAll("`", "").includes(fallback.replace(/ \(.*/, ""));
  });
  expect(wrong).toEqual([]);
});
