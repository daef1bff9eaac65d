import { expect, test } from "bun:test";
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
