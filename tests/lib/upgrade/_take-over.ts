/** `bun _take-over.ts FOLDER`: takes over, with webhooks that are kept nowhere, and prints the report. For another user's rights. */
import { createLogger } from "../../../lib/log.ts";
import { takeOverEarlier } from "../../../lib/upgrade/upgrade.ts";

const log = createLogger({ level: "error", write: () => undefined });
const shippedCatalogPath = new URL("../../../config/models.yaml", import.meta.url).pathname;
const upgrade = takeOverEarlier({
  dataDir: process.argv[2]!,
  isUsed: false,
  keyIsNamed: false,
  shippedCatalogPath,
  now: () => "2026-01-01T00:00:00+00:00",
  log,
});
upgrade.finish({ list: () => [], add: () => null });
process.stdout.write(JSON.stringify(upgrade.report()));
