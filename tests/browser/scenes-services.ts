/** Scenes of what runs beside the models. */
import type { Page } from "playwright-core";
import type { Demo, DemoOptions } from "../support/demo.ts";
import { until } from "../support/until.ts";
import { type Scene, serving } from "./scene.ts";
import { heading } from "./wording.ts";

/** As often as can be: a look that says little needs a second one that agrees. */
export const PROBED_OFTEN = {
  topology: (yaml: string) => `${yaml}settings:\n  probe_seconds: 1\n  deep_check_minutes: 0\n`,
};
const stateOf = (demo: Demo, name: string) => demo.plane.services.list().find((each) => each.name === name)?.state;
const allSeen = (demo: Demo) => demo.plane.services.look();
const openDetails = (page: Page, name: string) => page.getByRole("button", { name: `Details of ${name}` }).click();

/** A container that ends at each start, a service that fails at its work, and one that was stopped. */
async function unwell(demo: Demo): Promise<undefined> {
  await serving(demo);
  await allSeen(demo);
  demo.cluster.inject({ kind: "service_dies", service: "kokoro" });
  demo.cluster.inject({ kind: "service_fails", service: "embeddings" });
  await demo.post("/api/services/embeddings/deep-check", {});
  await demo.post("/api/services/qdrant/stop", {});
  const isGivenUp = () =>
    demo.plane.services.list().some(({ name, auto_restart }) => name === "kokoro" && auto_restart.given_up !== null);
  // After three restarts, each of which is looked at.
  await until("kokoro is given up", isGivenUp, 60_000);
}

/** Its GPU works on a long answer meanwhile, so silence says nothing. */
async function busy(demo: Demo): Promise<undefined> {
  await serving(demo);
  await allSeen(demo);
  demo.cluster.inject({ kind: "service_silent", service: "parakeet" });
  const form = new FormData();
  form.set("file", new Blob([new Uint8Array(64)]), "a.wav");
  form.set("model", "parakeet");
  void fetch(`${demo.url}/v1/audio/transcriptions`, { method: "POST", body: form }).catch(() => undefined);
  await until("it is asked", () => demo.plane.gateway.load().some(({ inFlight }) => inFlight === 1));
  for (const _ of [1, 2]) await demo.plane.services.look();
}

/** Sparks that do not answer are waited for without end, so that nothing is known of them for as long as pictures take. */
const NEVER_MS = 600_000;
export const ALL_HANGS: DemoOptions = {
  timing: { sshDeadlineMs: NEVER_MS },
  ssh: { readyTimeoutMs: NEVER_MS },
  machineTiming: { connectivityMs: NEVER_MS },
};

/** A controller that knows nothing has just begun, and no Spark has answered yet. */
export async function nothingKnown(demo: Demo): Promise<undefined> {
  await demo.goAway();
  for (const node of ["spark-1", "spark-2"]) demo.cluster.inject({ kind: "unreachable", how: "silent", node });
  await demo.startAfresh();
}

const isUnknown = (page: Page) =>
  page
    .getByText(/^Not (looked at|known)/)
    .first()
    .waitFor();

/** Twenty more, of which one has a name as long as it may be. */
const many = (yaml: string) =>
  `${yaml}${Array.from({ length: 20 }, (_, at) => `  ${at === 7 ? `${"long-name-".repeat(5)}service` : `extra-${at}`}: { kind: http, host: 127.0.0.1, port: 9 }\n`).join("")}`;

/** A bot that nobody can log in for. */
export const withoutUser = (yaml: string) => yaml.replace(/^ {4}user: .*\n/m, "");

export const SERVICE_SCENES: readonly Scene[] = [
  {
    name: "services",
    path: "/services",
    before: async (demo) => {
      await serving(demo);
      await allSeen(demo);
      await demo.post("/api/services/deep-check", {});
      const log = demo.cluster.nodes[1]?.docker.find("kokoro")?.log;
      for (let at = 1; at <= 60; at += 1)
        log?.append(
          `INFO: 10.77.0.1:4${at} - "POST /v1/audio/speech HTTP/1.1" 200 OK, ${"a long line ".repeat(at % 9)}\n`,
        );
      return undefined;
    },
    on: async (page) => {
      await openDetails(page, "kokoro");
      await page.getByRole("searchbox", { name: "Search the log" }).fill("speech");
      await page.getByRole("log").locator("mark").first().waitFor();
    },
  },
  {
    name: "services-down",
    path: "/services",
    demo: PROBED_OFTEN,
    before: unwell,
    on: async (page) => {
      await openDetails(page, "kokoro");
      await page.getByText(/These are its last lines/).waitFor();
    },
  },
  {
    name: "overview-services-down",
    demo: PROBED_OFTEN,
    before: unwell,
    on: (page) => heading(page, "Services").waitFor(),
  },
  {
    name: "services-busy",
    path: "/services",
    before: busy,
    on: (page) => page.getByText("It works on 1 request.").waitFor(),
  },
  {
    name: "services-unreachable",
    path: "/services",
    before: async (demo) => {
      await allSeen(demo);
      demo.cluster.inject({ kind: "unreachable", how: "reset", node: "spark-2" });
      for (const _ of [1, 2]) await demo.plane.services.look();
      await until("they are unreachable", () => stateOf(demo, "kokoro") === "unreachable");
      return undefined;
    },
    on: (page) => openDetails(page, "kokoro"),
  },
  { name: "services-unknown", path: "/services", demo: ALL_HANGS, before: nothingKnown, on: isUnknown },
  { name: "overview-unknown", demo: ALL_HANGS, before: nothingKnown, on: isUnknown },
  { name: "machines-unknown", path: "/machines", demo: ALL_HANGS, before: nothingKnown, on: isUnknown },
  {
    name: "services-hidden",
    path: "/services",
    demo: { env: { DISABLED_SERVICES: "qdrant,diarizer,kokoro" } },
    before: serving,
    on: (page) => page.getByText(/^Hidden: /).waitFor(),
  },
  {
    name: "services-without-bot",
    path: "/services",
    demo: { serviceFile: withoutUser },
    before: serving,
    on: async (page) => {
      await page.getByRole("button", { name: "Details of kokoro" }).waitFor();
      await page.getByRole("button", { name: "Details of matrix-bridge" }).waitFor({ state: "detached" });
    },
  },
  {
    name: "services-many",
    path: "/services",
    demo: { serviceFile: many },
    before: serving,
    on: (page) => page.getByRole("button", { name: "Details of extra-19" }).waitFor(),
  },
  {
    name: "overview-services-many",
    demo: { serviceFile: many },
    before: async (demo) => {
      await serving(demo);
      await allSeen(demo);
      return undefined;
    },
    on: (page) => page.getByText(/more, none of them worse/).waitFor(),
  },
  {
    name: "services-not-configured",
    path: "/services",
    demo: { services: false },
    before: serving,
    on: (page) => heading(page, "Services").first().waitFor(),
  },
  {
    name: "bot-update",
    path: "/services",
    before: async (demo) => {
      await allSeen(demo);
      demo.cluster.inject({ kind: "service_update_denied", service: "matrix-bridge" });
      return undefined;
    },
    on: async (page, demo) => {
      await openDetails(page, "matrix-bridge");
      await demo.post("/api/services/matrix-bridge/update", {});
      await page.getByText("Update failed").waitFor();
    },
  },
];
