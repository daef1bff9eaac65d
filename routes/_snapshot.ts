/** `bun routes/_snapshot.ts`: consistent copies of the databases in DATA_DIR/backup, beside a controller that runs. */
import { snapshotDatabases } from "../lib/store/snapshot.ts";
import { processSettings } from "./_environment.ts";

try {
  const { dataDir } = processSettings(process.env, []);
  for (const path of snapshotDatabases(dataDir)) process.stdout.write(`${path}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exit(1);
}
