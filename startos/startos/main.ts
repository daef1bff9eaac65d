import { i18n } from "./i18n";
import { sdk } from "./sdk";
import { CONTROLLER, DATA_DIR, PORT, USER_ID } from "./utils";

const HEALTH_LIMIT_MS = 4_000;
/** A first start writes its databases; a start on a slow disk checks them. */
const GRACE_MS = 30_000;
/** The controller itself gives up after 10 s; what runs on the Sparks goes on without it. */
const STOP_MS = 15_000;

/**
 * The volume may belong to root, or to the user of an earlier package. As root: no link is followed, else one that lies there would
 * give away what is outside of it. Names are bytes; what cannot be given is said, and is no reason not to start.
 */
const OWN = `
const { lchownSync, lstatSync, readdirSync } = require("node:fs");
const waiting = [Buffer.from(process.env.DATA_DIR)];
for (let path = waiting.pop(); path; path = waiting.pop())
  try {
    lchownSync(path, ${USER_ID}, ${USER_ID});
    if (lstatSync(path).isDirectory())
      for (const name of readdirSync(path, { encoding: "buffer" })) waiting.push(Buffer.concat([path, Buffer.from("/"), name]));
  } catch (error) {
    console.error(String(error));
  }
`;

export const main = sdk.setupMain(async ({ effects }) => {
  const mounts = sdk.Mounts.of().mountVolume({
    volumeId: "main",
    subpath: null,
    mountpoint: DATA_DIR,
    readonly: false,
  });
  const container = sdk.SubContainer.of(effects, { imageId: "main" }, mounts, "spark-control");

  return sdk.Daemons.of(effects)
    .addOneshot("own-data", {
      subcontainer: container,
      exec: { command: ["/usr/local/bin/bun", "-e", OWN], user: "0", env: { DATA_DIR } },
      requires: [],
    })
    .addDaemon("controller", {
      subcontainer: container,
      exec: {
        command: ["/usr/local/bin/bun", "/app/routes/_server.ts"],
        user: String(USER_ID),
        cwd: "/app",
        env: {
          NODE_ENV: "production",
          PORT: String(PORT),
          DATA_DIR,
          HOME: DATA_DIR,
          BUN_CONFIG_MAX_HTTP_REQUESTS: "16384",
          BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0",
        },
        sigtermTimeout: STOP_MS,
      },
      ready: { display: i18n("Dashboard"), fn: health, gracePeriod: GRACE_MS },
      requires: ["own-data"],
    });
});

/** Not only that something answers: `checkWebUrl` of the SDK is content with a status of 500. */
export async function health(): Promise<{ result: "success" | "failure"; message: string }> {
  const failure = { result: "failure", message: i18n("The dashboard does not answer.") } as const;
  try {
    const answer = await fetch(`${CONTROLLER}/health`, { signal: AbortSignal.timeout(HEALTH_LIMIT_MS) });
    if (!answer.ok) return failure;
    const { status } = (await answer.json()) as { status?: unknown };
    return status === "ok" ? { result: "success", message: i18n("The dashboard is ready.") } : failure;
  } catch {
    return failure;
  }
}
