/**
 * A data folder of another user: the earlier version's container ran as root, and a volume keeps the owner it had. SQLite says
 * only that it cannot open a file.
 */
import { accessSync, constants, statSync } from "node:fs";

/** @returns whose the folder is, who would write it, and what helps; "" when its owner is not what is wrong */
export function foreignFolder(dataDir: string): string {
  const [user, group] = [process.getuid?.(), process.getgid?.()];
  if (user === undefined || !isForbidden(dataDir)) return "";
  const owner = statSync(dataDir).uid;
  if (owner === user) return "";
  return (
    ` ${dataDir} belongs to user ${owner}, and Spark Control runs as user ${user}. Give it the whole folder, as root: ` +
    `chown -R ${user}:${group} ${dataDir} (for the volume of a container: docs/HANDOFF.md, As a container).`
  );
}

function isForbidden(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return false;
  } catch (error) {
    return (error as { code?: unknown }).code === "EACCES";
  }
}
