/** Every state that the pages must look right in, made by the running product and not by hand. */
import type { Browser, Page } from "playwright-core";
import { version } from "../../package.json";
import { PAGES } from "../../public/pages.ts";
import { type Demo, startDemo } from "../support/demo.ts";
import { until } from "../support/until.ts";
import { openPage, ownHostname, type WatchedPage } from "./browser.ts";
import { chatAtLength, entry, FIRST_RUN, failing, loadSlowly, type Scene, serving } from "./scene.ts";
import { FRAME_SCENES } from "./scenes-frame.ts";
import { MANAGING_SCENES } from "./scenes-managing.ts";
import { README_SCENES } from "./scenes-readme.ts";
import { SERVICE_SCENES } from "./scenes-services.ts";
import { heading, live, logOf, lost, progressOf, swapButton } from "./wording.ts";

export interface Staged {
  readonly page: Page;
  readonly demo: Demo;
  readonly complaints: readonly string[];
  close(): Promise<void>;
}

interface Watch {
  /** Before the page is opened. */
  readonly prepare: (page: Page) => Promise<void>;
  /** Once the first data are in the page, before anything is done on it. */
  readonly arrived: (page: Page) => Promise<void>;
}

/** @throws when a skeleton stays, or the scene cannot be made */
export async function stage(browser: Browser, scene: Scene, watch?: Watch): Promise<Staged> {
  const demo = await startDemo({ hostname: ownHostname(), version, ...scene.demo });
  let watched: WatchedPage | undefined;
  try {
    const path = (await scene.before?.(demo)) ?? scene.path ?? "/";
    watched = await openPage(browser, "about:blank");
    await watch?.prepare(watched.page);
    const { page, complaints } = watched;
    await page.goto(demo.url + path);
    await page.waitForFunction(() => document.fonts.status === "loaded");
    await live(page).or(page.getByText("Live").first()).first().waitFor({ state: "attached" });
    await page.waitForFunction(() =>
      [...document.querySelectorAll(".bone, swap-log:not(:defined)")].every((bone) => !bone.checkVisibility()),
    );
    await watch?.arrived(page);
    await scene.on?.(page, demo);
    const close = async () => {
      await page.context().close();
      await demo.close();
    };
    return { page, demo, complaints, close };
  } catch (error) {
    await watched?.page.context().close();
    await demo.close();
    throw new Error(`the scene ${JSON.stringify(scene.name)} could not be made`, { cause: error });
  }
}

/** A load then takes minutes. */
const SLOW = 3;
/** GPT-OSS 120B then loads in about 20 s. */
const MANY = 60;
/** A load that stands still is told after a minute. */
const STALL_IS_TOLD_MS = 100_000;
/** Simulated seconds until a model that is ready dies: some seconds of the clock. */
const DIES_AFTER = 1_500;
/** Nothing listens there. */
const NOBODY = "http://127.0.0.1:9";
const LONG = "An unusually long-winded name of a fine-tuned model for meeting notes, revision 2026-11-28";

const manyModels = `models:\n${Array.from({ length: MANY }, (_, at) => entry(`model-${at}`, `Model number ${at + 1}`)).join("")}`;
const longModels = `models:\n${entry("long", LONG, `, note: ${JSON.stringify(`${LONG}, with a note that does not end either. `.repeat(2).slice(0, 190))}`)}${entry(
  "unbroken",
  "Unbroken_name_without_a_single_blank_in_it_that_cannot_be_wrapped_anywhere_v2",
)}`;

/** A model that answers, and a few answers that it gave. */
async function used(demo: Demo): Promise<undefined> {
  await serving(demo);
  const messages = [{ role: "user", content: "Hello" }];
  const streamed = { stream: true, stream_options: { include_usage: true }, min_tokens: 200, max_tokens: 200 };
  for (let at = 0; at < 3; at++)
    await (await demo.post("/v1/chat/completions", { model: "gpt-oss-20b", messages, ...streamed })).text();
}

const reserved = async (demo: Demo): Promise<undefined> => {
  await demo.swap("gpt-oss-20b");
  const note = "Quarterly scoring of all leads; ends before the night run.";
  await demo.post("/api/swap/lock", { holder: "lead-scoring", ttl_seconds: 7_200, note });
  const at = new Date(Date.now() + 3 * 3_600_000).toISOString();
  await demo.post("/api/schedule", { owner: "crm-sync", title: "Call notes", at, duration_seconds: 3_600 });
};
const twoSlots = (yaml: string) => {
  const at = (name: string, node: string) => `  - { name: ${name}, nodes: [${node}], port: 8888 }
`;
  return `${yaml.slice(0, yaml.indexOf("slots:"))}slots:
${at("left", "spark-1")}${at("right", "spark-2")}`;
};

const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();
async function toKey(page: Page, { cluster }: Demo): Promise<void> {
  const [{ name, address, sshPort }] = cluster.nodes as [Demo["cluster"]["nodes"][number]];
  const spark = page.getByRole("group", { name: new RegExp(`^${name}`) });
  await spark.getByLabel("Address", { exact: true }).fill(address);
  await spark.getByLabel("User", { exact: true }).fill("spark");
  await spark.getByText("Port, folder, network cards").click();
  await spark.getByLabel("SSH port", { exact: true }).fill(String(sshPort));
  await press(page, "Continue");
  await heading(page, "Let Spark Control in").waitFor();
}
async function toCheck(page: Page, demo: Demo): Promise<void> {
  await toKey(page, demo);
  await press(page, "I have pasted it: check");
  await page.getByText("1 identity to compare.").waitFor();
}
async function toDone(page: Page, demo: Demo): Promise<void> {
  await toCheck(page, demo);
  await press(page, "It is the same: trust spark-1");
  await page
    .getByRole("status")
    .getByText(/^All \d+ checks passed\.$/)
    .waitFor();
  await press(page, "Save");
  await heading(page, "Connected").waitFor();
}

export const SCENES: readonly Scene[] = [
  ...MANAGING_SCENES,
  ...FRAME_SCENES,
  ...SERVICE_SCENES,
  {
    name: "set-up",
    demo: FIRST_RUN,
    on: (page) => heading(page, "Connect your Sparks").waitFor(),
  },
  { name: "set-up-key", demo: FIRST_RUN, on: toKey },
  { name: "set-up-check", demo: FIRST_RUN, on: toCheck },
  {
    name: "set-up-checked",
    demo: FIRST_RUN,
    before: async (demo) => void demo.cluster.inject({ kind: "disk_full", node: "spark-1" }),
    on: async (page, demo) => {
      await toCheck(page, demo);
      await press(page, "It is the same: trust spark-1");
      await page.getByRole("button", { name: "Save anyway" }).waitFor();
      await page.waitForFunction(() =>
        [...document.querySelectorAll("button")].some((it) => it.textContent === "Save anyway" && !it.disabled),
      );
    },
  },
  { name: "set-up-done", demo: FIRST_RUN, on: toDone },
  {
    name: "reserved",
    before: reserved,
    on: (page) => page.getByRole("region", { name: /^Reserved by lead-scoring until / }).waitFor(),
  },
  {
    name: "reserved-dialog",
    before: reserved,
    on: async (page) => {
      await page.getByRole("button", { name: "Release anyway…" }).click();
      await page.getByRole("dialog", { name: "Release the GPUs from lead-scoring?" }).waitFor();
    },
  },
  {
    name: "down",
    before: async (demo) => {
      demo.cluster.inject({ kind: "dies_after_ready", seconds: DIES_AFTER, times: 1 });
      await demo.swap("gpt-oss-20b");
    },
    on: async (page) => void (await page.getByText(/^gives no answer since \d\d:\d\d/).waitFor()),
  },
  {
    name: "unreachable",
    demo: { outageLastsMs: 500 },
    before: async (demo) => {
      await demo.swap("gpt-oss-20b");
      demo.cluster.inject({ kind: "unreachable", how: "reset", node: "spark-2" });
    },
    on: async (page) => {
      await page.getByText("Not reachable").first().waitFor();
      await page
        .getByRole("row", { name: /^GLM 4.5 Air/ })
        .getByText("spark-2 is not reachable.")
        .waitFor();
    },
  },
  {
    name: "stalled",
    isSlow: true,
    demo: { speed: SLOW },
    before: async (demo) => {
      demo.cluster.inject({ kind: "progress_stuck", percent: 40 });
      await loadSlowly(demo, "gpt-oss-120b");
    },
    on: (page) =>
      page
        .getByText(/^No progress for \d+ minutes?\./)
        .first()
        .waitFor({ timeout: STALL_IS_TOLD_MS }),
  },
  {
    name: "two-slots",
    demo: { topology: twoSlots },
    before: async (demo) => void (await demo.swap("gpt-oss-20b", { slot: "left" })),
    on: (page) => page.getByText("Slot left. On spark-1.").waitFor(),
  },
  { name: "nothing-loaded", on: (page) => heading(page, "Nothing is being served").waitFor() },
  {
    name: "idle",
    before: used,
    on: async (page) => {
      await heading(page, "GPT-OSS 20B").first().waitFor();
      await page.getByText("typical, last 15 min").waitFor();
      await page.getByRole("button", { name: /^Hide this message/ }).click();
    },
  },
  {
    name: "plan-dialog",
    before: serving,
    on: async (page) => {
      await swapButton(page, "GPT-OSS 120B").click();
      await page.getByRole("dialog", { name: "Swap to GPT-OSS 120B?" }).getByText("It fits, with").waitFor();
    },
  },
  {
    name: "loading",
    demo: { speed: SLOW },
    before: async (demo) => void (await loadSlowly(demo, "gpt-oss-120b")),
    on: async (page) => {
      await progressOf(page, "GPT-OSS 120B").waitFor();
      await logOf(page).getByText("Starting to load model").waitFor();
    },
  },
  {
    name: "cancel-dialog",
    demo: { speed: SLOW },
    before: async (demo) => void (await loadSlowly(demo, "gpt-oss-120b")),
    on: async (page) => {
      await page.getByRole("button", { name: "Cancel swap…" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Go on loading" }).waitFor();
    },
  },
  { name: "ready", before: serving, on: (page) => heading(page, "GPT-OSS 20B is answering").waitFor() },
  {
    name: "failed",
    before: failing,
    on: (page) => heading(page, "GPT-OSS 120B did not start").waitFor(),
  },
  {
    name: "many-models",
    path: "/models",
    demo: { files: { "models-overrides.yaml": manyModels } },
    on: (page) => page.getByRole("rowheader", { name: /^Model number 60/ }).waitFor(),
  },
  {
    name: "long-names",
    demo: { files: { "models-overrides.yaml": longModels } },
    before: async (demo) => void (await demo.swap("long")),
    on: (page) => heading(page, `${LONG} is answering`).waitFor(),
  },
  {
    name: "long-names-in-the-list",
    path: "/models",
    demo: { files: { "models-overrides.yaml": longModels } },
    before: async (demo) => void (await demo.swap("unbroken")),
    on: (page) => page.getByRole("rowheader", { name: new RegExp(`^${LONG.slice(0, 30)}`) }).waitFor(),
  },
  {
    name: "connection-lost",
    before: serving,
    on: async (page, demo) => {
      await heading(page, "GPT-OSS 20B").first().waitFor();
      await demo.goAway();
      await lost(page).waitFor();
    },
  },
  {
    name: "a-swap",
    before: async (demo) => {
      await failing(demo);
      return `/activity/${demo.plane.swaps.list(1)[0]!.job_id}`;
    },
    on: (page) => logOf(page).getByRole("paragraph").first().waitFor(),
  },
  {
    name: "webhooks",
    path: "/automation",
    demo: { takenForReal: true, webhookRetryDelaysMs: [], env: { WEBHOOK_URL: NOBODY } },
    before: async (demo) => {
      const hook = {
        url: `${NOBODY}/a/path/that/is/rather/long/and/cannot/be/wrapped`,
        name: "notify-box",
        events: ["*"],
      };
      await demo.post("/api/webhooks", { ...hook, generate_secret: true });
      await demo.post("/api/webhooks", { url: NOBODY, enabled: false, events: ["lock_forced", "node_down"] });
      await serving(demo);
      return undefined;
    },
    on: async (page) => {
      const hooks = page.getByRole("region", { name: "Webhooks" });
      for (const name of ["WEBHOOK_URL", "notify-box"])
        await hooks.getByRole("button", { name: `Details of ${name}` }).click();
      const details = hooks.getByRole("group", { name: "Details of notify-box" });
      await details.getByText("Given up").nth(1).waitFor();
      await details.getByRole("button", { name: "New secret for notify-box" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Make a secret" }).click();
      await hooks.getByText(/^whsec_/).waitFor();
      await page.getByRole("dialog").waitFor({ state: "hidden" });
    },
  },
  {
    name: "webhook-dialog",
    path: "/automation",
    on: async (page) => {
      await page.getByRole("button", { name: "Add…" }).click();
      await page.getByRole("dialog", { name: "Add a webhook?" }).waitFor();
    },
  },
  {
    name: "drain-asks",
    demo: { topology: (yaml) => `${yaml}settings:\n  drain_seconds: 1\n` },
    before: async (demo) => {
      await serving(demo);
      chatAtLength(demo);
      await until("they run", () => demo.plane.gateway.inFlight("main") === 1);
      await loadSlowly(demo, "gpt-oss-120b");
      return undefined;
    },
    on: (page) => page.getByRole("button", { name: "Keep waiting" }).waitFor(),
  },
  {
    name: "requests",
    path: "/activity",
    before: async (demo) => {
      await serving(demo);
      const messages = [{ role: "user", content: "Hello" }];
      const streamed = { stream: true, stream_options: { include_usage: true } };
      for (const more of [{}, streamed, { model: "no-such-model" }, { max_tokens: 10_000_000 }])
        await (await demo.post("/v1/chat/completions", { model: "gpt-oss-20b", messages, ...more })).text();
      await (await demo.post("/v1/audio/speech", { model: "kokoro", input: "Hello", voice: "af_heart" })).arrayBuffer();
      await (await demo.post("/v1/embeddings", { model: `${"a-name-that-is-long-".repeat(4)}`, input: "x" })).text();
      return undefined;
    },
    on: (page) => page.getByRole("table").getByText("Refused: model not loaded").waitFor(),
  },
  {
    name: "playground",
    path: "/playground",
    before: serving,
    on: async (page) => {
      await page.getByRole("textbox", { name: "Message" }).fill("Tell me about Sparks, at length.");
      await page.getByRole("button", { name: "Send" }).click();
      await page
        .getByRole("log")
        .getByText(/First token after/)
        .waitFor();
      await page.getByRole("textbox", { name: "Question" }).fill("What do Sparks compute?");
      await page.getByRole("textbox", { name: "Texts, one a line" }).fill("Sparks compute.\nBananas are yellow.");
      await page.getByRole("button", { name: "Rerank" }).click();
      await page.getByText("Best first").waitFor();
    },
  },
];

/** Every page of the router that no scene above opens, with something to show. */
const covered = new Set(SCENES.map(({ path = "/" }) => path));
export const PAGE_SCENES: readonly Scene[] = PAGES.filter(({ path }) => path !== "/").map(({ id, path, title }) => ({
  name: covered.has(path) ? `${id}-usual` : id,
  before: async (demo: Demo) => {
    await failing(demo);
    return path.replace(":id", demo.plane.swaps.list(1)[0]!.job_id);
  },
  on: (page: Page) => page.getByRole("heading", { level: 1, name: title }).waitFor(),
}));

export const ALL_SCENES: readonly Scene[] = [...SCENES, ...PAGE_SCENES, ...README_SCENES];
