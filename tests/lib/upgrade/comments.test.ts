/** What people wrote beside their values is there afterwards; what has no place any more is told. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { detailOf, earlier, endEach, modelsOf, servicesOf, start } from "./_start.ts";

endEach();
const MODELS = "models-overrides.yaml";
const SERVICES = "services-overrides.yaml";
const sure = { "app_settings.json": "{}" };

async function taken(name: string, text: string) {
  const from = earlier({ ...sure, [name]: text });
  const started = await start(from);
  return { started, from, text: readFileSync(join(from.dataDir, name), "utf8") };
}

describe("a file that is written anew", () => {
  test("with words of YAML 1.1: only these change", async () => {
    const before = `# Services of the house.

services:
  # too slow
  reranker:
    disabled: yes # until spring

  parakeet: { port: 8010, disabled: off } # moved

# the end
`;
    const { started, text } = await taken(SERVICES, before);

    expect(text).toBe(before.replace("yes", "true").replace("off", "false"));
    expect(servicesOf(started).reranker).toMatchObject({ disabled: true });
    expect(detailOf(started.report, "").join()).not.toContain("omment");
  });

  test("with merge keys and repeated keys: the comments of what stays", async () => {
    const before = `models:
  # the first
  one: &one
    repo: a/one # from the hub
    nodes: 2
  # like it
  two:
    <<: *one # all of it
    name: Two # mine
    name: Second
`;
    const { started, text } = await taken(MODELS, before);

    expect(modelsOf(started)).toEqual(expect.arrayContaining(["one", "two"]));
    const two = started.plane.config.current.catalog.models.find(({ key }) => key === "two");
    expect(two).toMatchObject({ name: "Second", source: { repo: "a/one" }, nodes: 2 });
    for (const comment of ["# the first", "# from the hub", "# like it"]) expect(text).toContain(comment);
    expect(text).not.toContain("<<");
    expect(detailOf(started.report, "").join()).toContain(
      `2 comments have no place in it any more: they are in the file as it was, before-upgrade/${MODELS}.`,
    );
  });

  test("brought below its section: at the top, in a list, or both", async () => {
    const top =
      "# Mine.\n\n# good one\ngood: { repo: example/good } # fast\n# other one\nother:\n  repo: example/other # slow\n";
    const { started, text, from } = await taken(MODELS, top);

    expect(modelsOf(started)).toEqual(expect.arrayContaining(["good", "other"]));
    for (const comment of top.match(/#.*/g) ?? []) expect(text).toContain(comment);
    expect(text).toContain("models:\n");
    expect(detailOf(started.report, "").join()).not.toContain("omment");
    expect(readFileSync(join(from.dataDir, "before-upgrade", MODELS), "utf8")).toBe(top);
  });

  test("of a section of topology.yaml that had nothing else in it", async () => {
    const topology = "nodes: # ours\n  # - name: spark-3\n";
    const settings = JSON.stringify({ SPARK1_HOST: "10.77.0.11", SPARK1_USER: "alice" });
    const from = earlier({ "app_settings.json": settings, "topology.yaml": topology });
    await start(from);

    const text = readFileSync(join(from.dataDir, "topology.yaml"), "utf8");
    expect(text).toContain("host: 10.77.0.11");
    for (const comment of topology.match(/#.*/g) ?? []) expect(text).toContain(comment);
  });

  test("out of a list: beside the entry, and beside its name", async () => {
    const list = `# Services of the house.

services:
  # knowledge
  - name: wiki # of the club
    kind: http # plain
    host: 10.77.0.40
    port: 8090
  # speech
  - { name: parakeet, port: 8010 } # moved
`;
    const { started, text } = await taken(SERVICES, list);

    expect(servicesOf(started).wiki).toMatchObject({ kind: "http", port: 8090 });
    expect(servicesOf(started).parakeet).toMatchObject({ port: 8010 });
    for (const comment of list.match(/#.*/g) ?? []) expect(text).toContain(comment);
    expect(text).not.toContain("name:");
    expect(detailOf(started.report, "").join()).not.toContain("omment");
  });

  test("without what is refused, whose comments go with it and are told", async () => {
    const before = "good: { repo: example/good } # stays\nversion: 3 # goes\n";
    const { started, text } = await taken(MODELS, before);

    expect(text).toContain("# stays");
    expect(text).not.toContain("goes");
    expect(detailOf(started.report, "").join()).toContain(
      `1 comment has no place in it any more: it is in the file as it was, before-upgrade/${MODELS}.`,
    );
  });

  test("where an alias would lose what it names: everything is said in full, and the comments are told", async () => {
    const before = `services:
  - { kind: http, port: &port 8090 } # nameless
  - { name: wiki, kind: http, host: 10.77.0.40, port: *port } # of the club
`;
    const { started, text } = await taken(SERVICES, before);

    expect(servicesOf(started).wiki).toMatchObject({ host: "10.77.0.40", port: 8090 });
    expect(text).not.toContain("#");
    expect(detailOf(started.report, "").join()).toContain(
      `2 comments have no place in it any more: they are in the file as it was, before-upgrade/${SERVICES}.`,
    );
  });
});
