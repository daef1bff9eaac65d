/**
 * The webhook that the StartOS package sets (Configure Sparks): `startos-webhook.json` of the data folder says what is wanted. It
 * is taken over as a webhook like any other, which people change in the dashboard; what became of it is written back for the
 * form, without its secret. Looked at now and then: the package writes while the controller runs, too.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { writeAtomically } from "./atomic-file.ts";
import { readConfigFile } from "./config/read-file.ts";
import type { EventBus } from "./events/bus.ts";
import { Fault } from "./fault.ts";
import type { Logger } from "./log.ts";
import { Nullable } from "./schema.ts";
import type { Webhooks } from "./webhook/webhooks.ts";

export const PACKAGE_WEBHOOK_FILE = "startos-webhook.json";
export const PACKAGE_WEBHOOK_ID = "startos";
const NAME = "StartOS";
const LOOK_MS = 2_000;

const FileSchema = Type.Object({
  url: Nullable(Type.String({ maxLength: 2_000 })),
  secret: Nullable(Type.String({ maxLength: 512 })),
  wanted: Type.Boolean(),
});
type Wanted = Static<typeof FileSchema>;

export interface PackageWebhookMeans {
  readonly dataDir: string;
  readonly webhooks: Pick<Webhooks, "list" | "add" | "change" | "remove">;
  readonly events: EventBus;
  readonly log: Logger;
  readonly report: (error: unknown) => void;
  readonly lookMs?: number;
}

export interface PackageWebhook {
  close(): void;
}

/** Nothing is done where no package has written its file. */
export function followPackageWebhook(means: PackageWebhookMeans): PackageWebhook {
  const { webhooks, events, log, report } = means;
  const path = join(means.dataDir, PACKAGE_WEBHOOK_FILE);
  let seen = "";
  let isClosed = false;

  const present = () => webhooks.list().find(({ id }) => id === PACKAGE_WEBHOOK_ID);

  function take({ url, secret }: Wanted): void {
    const there = present();
    try {
      if (url === null) {
        if (there) webhooks.remove(PACKAGE_WEBHOOK_ID);
      } else if (there) webhooks.change(PACKAGE_WEBHOOK_ID, { url, ...(secret === null ? {} : { secret }) });
      else webhooks.add({ url, name: NAME, ...(secret === null ? {} : { secret }) }, PACKAGE_WEBHOOK_ID);
    } catch (error) {
      if (!(error instanceof Fault) || error.kind === "unavailable") throw error;
      log.warn("the webhook that StartOS sets cannot be used", { reason: error.message });
    }
  }

  function look(): void {
    const signature = signatureOf(path);
    if (signature === seen) return;
    const found = read(path);
    if (found?.wanted) take(found);
    seen = signature;
    if (found) tell(found);
  }

  /** What the form is to show. A file that was written meanwhile is looked at next time instead. */
  function tell(said: Wanted): void {
    const url = present()?.url ?? null;
    if (said.url === url && said.secret === null && !said.wanted) return;
    if (signatureOf(path) !== seen) return;
    writeAtomically(path, `${JSON.stringify({ url, secret: null, wanted: false }, null, 2)}\n`, 0o600);
    seen = signatureOf(path);
  }

  const lookOrReport = () => {
    if (isClosed) return;
    try {
      look();
    } catch (error) {
      report(error);
    }
  };
  const unsubscribe = events.subscribe(
    ({ webhook_id }) => {
      if (webhook_id !== PACKAGE_WEBHOOK_ID) return;
      // Not within its own change, which is told before it has been noted.
      queueMicrotask(() => {
        seen = "";
        lookOrReport();
      });
    },
    ["webhook.changed"],
  );
  const timer = setInterval(lookOrReport, means.lookMs ?? LOOK_MS);
  timer.unref();
  lookOrReport();
  return {
    close() {
      isClosed = true;
      clearInterval(timer);
      unsubscribe();
    },
  };
}

/** Null: there is none, or it is damaged, which counts as one that wants nothing. */
function read(path: string): Wanted | null {
  try {
    const value: unknown = JSON.parse(readConfigFile(path).file?.text ?? "null");
    return Value.Check(FileSchema, value) ? value : null;
  } catch {
    return null;
  }
}

function signatureOf(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat ? [stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(":") : "-";
}
