/** Scenes of the machines, the settings and the catalog. */
import { until } from "../support/until.ts";
import { entry, type Scene, serving } from "./scene.ts";
import { heading } from "./wording.ts";

/** A download of 16 GB then takes a minute: as long as it is looked at. */
const DOWNLOADS_SLOWLY = 2;

export const MANAGING_SCENES: readonly Scene[] = [
  {
    name: "hardware",
    path: "/machines",
    demo: { machineTiming: { hardwareMs: 300 } },
    before: serving,
    on: async (page) => {
      const spark = page.getByRole("region", { name: "spark-2" });
      await spark.getByText("spark-1 can log in here").waitFor();
      await page.getByRole("region", { name: "spark-1" }).getByText("Memory by process").click();
    },
  },
  {
    name: "hardware-unknown",
    path: "/machines",
    before: async (demo) => {
      demo.cluster.inject({ kind: "gpu_missing", node: "spark-1" });
      demo.cluster.inject({ kind: "worker_ssh_denied" });
      return undefined;
    },
    on: async (page) => {
      await page.getByRole("region", { name: "spark-1" }).getByText("Driver not reported").waitFor();
      await page.getByRole("region", { name: "spark-2" }).getByText("spark-1 cannot log in here").waitFor();
    },
  },
  {
    name: "machines-many",
    path: "/machines",
    demo: { nodes: 8, services: false, machineTiming: { hardwareMs: 300 } },
    on: async (page) => {
      await page
        .getByRole("region", { name: "spark-8" })
        .getByText(/^Driver [0-9]/)
        .waitFor();
      await page.getByRole("region", { name: "Connection" }).getByText("spark-8", { exact: true }).waitFor();
    },
  },
  {
    name: "outage",
    path: "/machines",
    demo: { machineTiming: { connectivityMs: 300 }, outageLastsMs: 500 },
    before: async (demo) => {
      const state = (spark: string) => demo.plane.machines.connectivity.states().find((one) => one.spark === spark);
      await until("its hardware address is known", () => state("spark-2")?.mac !== null);
      demo.cluster.inject({ kind: "unreachable", how: "reset", node: "spark-1", seconds: 600 });
      await until("spark-1 is away", () => state("spark-1")?.state === "down");
      await until("spark-1 is back", () => state("spark-1")?.state === "up");
      demo.cluster.inject({ kind: "unreachable", how: "reset", node: "spark-2" });
      await until("spark-2 is away", () => state("spark-2")?.state === "down");
      return undefined;
    },
    on: async (page) => {
      const connection = page.getByRole("region", { name: "Connection" });
      await connection.getByRole("button", { name: "Wake spark-2" }).waitFor();
      await connection.getByText(/ unreachable from /).waitFor();
    },
  },
  {
    name: "settings-changed",
    path: "/settings",
    demo: {
      topology: (yaml) => `${yaml}settings:\n  drain_seconds: 5\n  allowed_hosts: [spark.example.org]\n`,
      env: { ALLOWED_HOSTS: "control.example.org", WEBHOOK_SECRET: "s3cret", KOKORO_HOST: "10.77.0.12" },
    },
    before: async (demo) => {
      await fetch(`${demo.url}/health`, { headers: { host: "refused.example.com" } });
      return undefined;
    },
    on: async (page) => {
      await page.getByRole("button", { name: "Allow refused.example.com" }).click();
      await page.getByText("Saved. refused.example.com is allowed now.").waitFor();
      for (const name of ["Swap", "Access", "Services"]) await heading(page, name).click();
      const services = page.getByRole("region", { name: "Services", exact: true });
      await services.getByText("kokoro", { exact: true }).click();
      const swap = page.getByRole("region", { name: "Swap", exact: true });
      await swap.getByRole("textbox", { name: "A load is stuck after" }).fill("5");
      await swap.getByRole("button", { name: "Save: A load is stuck after" }).click();
      await swap.getByRole("alert").waitFor();
    },
  },
  {
    name: "settings-slots",
    path: "/settings",
    on: async (page) => {
      await heading(page, "Slots").click();
      const slots = page.getByRole("region", { name: "Slots", exact: true });
      await slots.getByText("main", { exact: true }).click();
      await slots.getByRole("button", { name: "Add a slot…" }).click();
      await page.getByRole("dialog", { name: "Add a slot" }).waitFor();
    },
  },
  {
    name: "settings-environment",
    path: "/settings",
    demo: { env: { WEBHOOK_SECRET: "s3cret", ALLOWED_HOSTS: "control.example.org" } },
    on: (page) => heading(page, "Environment").click(),
  },
  {
    name: "settings-diagnostics",
    path: "/settings",
    on: async (page) => {
      await page.route("**/api/diagnostics", (route) => route.abort("connectionrefused"));
      const about = page.getByRole("region", { name: "About", exact: true });
      await about.getByRole("link", { name: "Download diagnostics" }).click();
      await about.getByRole("alert").waitFor();
    },
  },
  {
    name: "downloads",
    path: "/models",
    demo: {
      files: { "models-overrides.yaml": `models:\n${entry("to-come", "Model to come")}` },
      speed: DOWNLOADS_SLOWLY,
    },
    before: async (demo) => {
      const ended = async (body: object) => {
        const { id } = (await (await demo.post("/api/downloads", body)).json()) as { id: string };
        await until("it has ended", () => demo.plane.machines.downloads.get(id).ended_at !== null);
      };
      demo.cluster.inject({ kind: "worker_ssh_denied" });
      await ended({ repo: "example/tiny-odd-0.1b" });
      demo.cluster.clear();
      await demo.post("/api/downloads", { model: "to-come" });
      return undefined;
    },
    on: async (page) => {
      await page.getByRole("progressbar", { name: "Download of Model to come" }).waitFor();
      await page.getByRole("rowheader", { name: /needs set-up/ }).waitFor();
    },
  },
  {
    name: "model-folder",
    path: "/models",
    on: async (page) => {
      await page.getByRole("button", { name: "Add…", exact: true }).first().click();
      const dialog = page.getByRole("dialog", { name: "Add a model?" });
      await dialog.getByLabel("Folder", { exact: true }).fill("/models/acme-14b-instruct");
      await dialog.getByRole("button", { name: "Fill in what is blank" }).scrollIntoViewIfNeeded();
    },
  },
  {
    name: "model-dialog",
    path: "/models",
    on: async (page) => {
      await page.getByRole("button", { name: "Edit GPT-OSS 20B" }).click();
      await page.getByRole("dialog", { name: "Change GPT-OSS 20B?" }).waitFor();
    },
  },
];
