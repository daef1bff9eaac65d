/**
 * `bun routes/_snapshot.ts`: consistent copies of the databases in DATA_DIR/backup, beside a controller that runs. Their paths are
 * printed; on stderr is what is wrong with a copy. The code is 1 when there can be no backup.
 */
import { snapshotDatabases } from "../lib/store/snapshot.ts";
import { processSettings } from "./_environment.ts";

try {
  const { dataDir } = processSettings(process.env, []);
  const { paths, problems } = snapshotDatabases(dataDir);
  for (const path of paths) process.stdout.write(`${path}\n`);
  for (const problem of problems) process.stderr.write(`${problem}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exit(1);
}
