/** Models found on the simulated disks, and deleting their files. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Demo, startDemo } from "../../support/demo.ts";
import { until } from "../../support/until.ts";

setDefaultTimeout(60_000);

let demo: Demo | undefined;
afterEach(async () => {
  await demo?.close();
  demo = undefined;
});

interface Listed {
  key: string;
  repo: string | null;
  origin: string;
  needs_setup: string | null;
  not_now: string | null;
  availability: string;
  on_disk: { node: string; bytes: number }[] | null;
}
const get = async <T>(path: string): Promise<T> => (await fetch(demo!.url + path)).json() as Promise<T>;
const listed = async (key: string) =>
  (await get<{ models: Listed[] }>("/api/models")).models.find((each) => each.key === key);
const HUB = "/home/spark/.cache/huggingface/hub";
const isThere = (repo: string) =>
  demo!.cluster.nodes.map(({ files }) => files.isFolder(`${HUB}/models--${repo.replace("/", "--")}`));
async function remove(
  key: string,
  query: string,
): Promise<{ status: number; body: { code?: string; detail?: string } }> {
  const response = await fetch(`${demo!.url}/api/models/${key}/files?${query}`, { method: "DELETE" });
  return { status: response.status, body: (await response.json()) as { code?: string; detail?: string } };
}
async function start(topology = (yaml: string) => yaml): Promise<Demo> {
  const mine = "models:\n  mine: { local_path: /models/acme-14b-instruct, size_gb: 28 }\n";
  demo = await startDemo({ services: false, topology, files: { "models-overrides.yaml": mine } });
  await until("the disks were looked at", async () => (await listed("qwen3-8b-fp8"))?.on_disk?.length === 2);
  return demo;
}

describe("a model that is found on the disks", () => {
  test("joins the menu, and is loaded as it is", async () => {
    await start();
    expect(await listed("qwen3-8b-fp8")).toMatchObject({
      repo: "Qwen/Qwen3-8B-FP8",
      origin: "disk",
      needs_setup: null,
      not_now: null,
      availability: "on_disk",
    });

    expect(await demo!.swap("qwen3-8b-fp8")).toMatchObject({ state: "ready", failure: null });
  });

  test("of which nothing is known is shown and not loaded; with an entry of its own it can be", async () => {
    const { cluster, plane, post } = await start();
    const folder = `${HUB}/models--acme--aurora-13b`;
    cluster.nodes[0]!.files.addFolder(`${folder}/blobs`, 13_000_000);
    cluster.nodes[0]!.files.addText(`${folder}/snapshots/main/config.json`, '{"architectures":["AuroraForCausalLM"]}');
    await plane.inventory.look();

    const aurora = await listed("aurora-13b");
    expect(aurora?.needs_setup).toContain("There is no recipe for AuroraForCausalLM yet.");
    expect(aurora?.not_now).toBe(aurora!.needs_setup);
    expect((await post("/api/swap", { model: "aurora-13b" })).status).toBe(404);
    type Suggested = { suggestions: { key: string; entry: object; needs_setup: string | null }[] };
    const { suggestions } = await get<Suggested>("/api/models/suggest");
    const suggestion = suggestions.find(({ key }) => key === "aurora-13b")!;
    expect(suggestions.map(({ key }) => key)).toContain("qwen3-8b-fp8");

    const added = await post("/api/models", { key: suggestion.key, ...suggestion.entry, args: ["--enforce-eager"] });
    expect(added.status).toBe(200);
    expect(await listed("aurora-13b")).toMatchObject({ origin: "overrides", needs_setup: null });
    expect((await get<Suggested>("/api/models/suggest")).suggestions.map(({ key }) => key)).not.toContain("aurora-13b");
  });

  test("in a folder of one's own is suggested from what lies there", async () => {
    const { cluster, post } = await start();
    const suggest = (folder: string) =>
      fetch(`${demo!.url}/api/models/suggest?local_path=${encodeURIComponent(folder)}`);
    const folder = "/models/tuned-8b";
    cluster.nodes[0]!.files.addText(`${folder}/config.json`, '{"architectures":["Qwen3ForCausalLM"]}');
    cluster.nodes[0]!.files.addFolder(folder, 16_000_000);

    const { suggestions } = (await (await suggest(folder)).json()) as { suggestions: Record<string, unknown>[] };
    expect(suggestions).toMatchObject([
      {
        key: "tuned-8b",
        needs_setup: null,
        entry: { local_path: folder, size_gb: 16.4 },
        on_disk: [{ node: "spark-1" }],
      },
    ]);
    const { key, entry } = suggestions[0]!;
    expect((await post("/api/models", { key, ...(entry as object) })).status).toBe(200);

    expect((await suggest("/models/nothing")).status).toBe(404);
    for (const wrong of ["models/x", "/models/../etc", "/models/$(id)"])
      expect((await suggest(wrong)).status).toBe(422);
  });

  test("stays out once it was taken out of the menu", async () => {
    await start();
    await fetch(`${demo!.url}/api/models/gpt-oss-20b`, { method: "DELETE" });
    await demo!.plane.inventory.look();

    expect(await listed("gpt-oss-20b")).toBeUndefined();
  });
});

describe("deleting a model's files", () => {
  test("frees every disk, or one; the entry of the catalog stays", async () => {
    await start();
    const one = await remove("gpt-oss-20b", "confirm=gpt-oss-20b&node=spark-2");
    expect(one).toMatchObject({ status: 200, body: { repo: "openai/gpt-oss-20b", deleted: [{ node: "spark-2" }] } });
    expect(isThere("openai/gpt-oss-20b")).toEqual([true, false]);

    await until("that was seen", async () => (await listed("gpt-oss-20b"))?.on_disk?.length === 1);
    expect((await remove("gpt-oss-20b", "confirm=openai/gpt-oss-20b")).status).toBe(200);
    expect(isThere("openai/gpt-oss-20b")).toEqual([false, false]);
    await until(
      "it has to be downloaded",
      async () => (await listed("gpt-oss-20b"))?.availability === "needs_download",
    );
    expect((await remove("gpt-oss-20b", "confirm=gpt-oss-20b")).body.code).toBe("not_on_disk");
  });

  const refusals: [string, string, string, number, string][] = [
    ["without its name", "gpt-oss-20b", "confirm=yes", 422, "not_confirmed"],
    ["of a folder of one's own", "mine", "confirm=mine", 409, "local_model"],
    ["that nobody knows", "nobody", "confirm=nobody", 404, "unknown_model"],
    ["on a Spark that does not have it", "gpt-oss-20b", "confirm=gpt-oss-20b&node=nobody", 404, "not_on_disk"],
  ];
  for (const [what, key, query, status, code] of refusals)
    test(`${what} is refused`, async () => {
      await start();
      const answer = await remove(key, query);
      expect([answer.status, answer.body.code]).toEqual([status, code]);
      expect(isThere("openai/gpt-oss-20b")).toEqual([true, true]);
    });

  test("of what is loaded, or being loaded, is refused, under whichever key", async () => {
    const { post } = await start();
    const twin = { key: "twin", repo: "openai/gpt-oss-20b", gpu_memory_utilization: 0.4 };
    expect((await post("/api/models", twin)).status).toBe(200);
    const begun = (await (await post("/api/swap", { model: "gpt-oss-20b" })).json()) as { job_id: string };
    expect((await remove("twin", "confirm=twin")).body).toMatchObject({ code: "model_in_use" });
    await demo!.plane.swaps.settled(begun.job_id);

    const answer = await remove("twin", "confirm=twin");
    expect([answer.status, answer.body.code, answer.body.detail]).toEqual([
      409,
      "model_in_use",
      "gpt-oss-20b is in use: it is loaded in main.",
    ]);
    expect(isThere("openai/gpt-oss-20b")).toEqual([true, true]);
  });

  test("from a Spark that another has reserved needs the token: its holder may be about to load it", async () => {
    const { post } = await start();
    const reserved = await post("/api/swap/lock", { holder: "nightly" });
    const { token } = (await reserved.json()) as { token: string };

    const confirm = "confirm=gpt-oss-20b";
    const answer = await remove("gpt-oss-20b", confirm);
    expect(answer).toMatchObject({ status: 423, body: { code: "reserved", lock: { holder: "nightly" } } });
    expect((await remove("gpt-oss-20b", `${confirm}&token=old`)).status).toBe(423);
    expect(isThere("openai/gpt-oss-20b")).toEqual([true, true]);

    expect((await remove("gpt-oss-20b", `${confirm}&token=${token}`)).status).toBe(200);
    expect(isThere("openai/gpt-oss-20b")).toEqual([false, false]);
    demo!.plane.lock.release(token);
    expect((await remove("qwen3-30b-a3b", `confirm=qwen3-30b-a3b&token=${token}`)).body.code).toBe("reservation_lost");
  });

  test("from a Spark that nobody has reserved is not hindered by a reservation of another", async () => {
    const { plane } = await start((yaml) => yaml.replace("nodes: [spark-1, spark-2]", "nodes: [spark-1]"));
    plane.lock.acquire({ holder: "nightly", by: "a test", slots: ["main"] });

    expect((await remove("gpt-oss-20b", "confirm=gpt-oss-20b&node=spark-1")).body.code).toBe("reserved");
    expect((await remove("gpt-oss-20b", "confirm=gpt-oss-20b&node=spark-2")).status).toBe(200);
    expect(isThere("openai/gpt-oss-20b")).toEqual([true, false]);
  });

  test("of what is being downloaded is refused", async () => {
    const { post } = await start();
    demo!.cluster.nodes[0]!.files.remove(`${HUB}/models--openai--gpt-oss-20b`);
    await post("/api/downloads", { model: "gpt-oss-20b" });

    expect((await remove("gpt-oss-20b", "confirm=gpt-oss-20b")).body.code).toBe("download_running");
  });

  test("that takes long keeps the model from being loaded or downloaded, also when whoever asked has gone", async () => {
    const { cluster, plane, post } = await start();
    cluster.inject({ kind: "unreachable", how: "silent", node: "spark-2" });
    const gone = new AbortController();
    const path = `${demo!.url}/api/models/gpt-oss-20b/files?confirm=gpt-oss-20b`;
    const asked = fetch(path, { method: "DELETE", signal: gone.signal }).catch(() => null);
    await until("the first Spark has deleted them", () => isThere("openai/gpt-oss-20b")[0] === false);
    gone.abort();
    await asked;

    for (const [what, body] of [
      ["/api/swap", { model: "gpt-oss-20b" }],
      ["/api/downloads", { model: "gpt-oss-20b" }],
    ] as const)
      expect(await (await post(what, body)).json()).toMatchObject({ status: 409, code: "files_being_deleted" });

    cluster.clear();
    await until("they are deleted", () => isThere("openai/gpt-oss-20b")[1] === false);
    await until("it may be loaded", async () => (await post("/api/swap", { model: "gpt-oss-20b" })).status === 202);
    await until("it is loaded", () => plane.swaps.beliefs().some(({ model }) => model.key === "gpt-oss-20b"), 30_000);
  });

  test("that a container wrote as root fails with what to do", async () => {
    const { cluster } = await start();
    cluster.inject({ kind: "files_of_root", node: "spark-1" });

    const answer = await remove("gpt-oss-20b", "confirm=gpt-oss-20b&node=spark-1");
    expect([answer.status, answer.body.code]).toEqual([502, "not_deleted"]);
    expect(answer.body.detail).toContain("belong to root");
  });
});
