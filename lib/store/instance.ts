/**
 * Who this controller is, for the fences on the nodes. The id is made once and kept with the data; beside it stands the
 * place where they lie. Data that are found at another place are a copy: a second controller may still run on the first
 * ones, so the copy gets an id of its own, and the nodes ask for a "Take over". A backup that is restored to its old place
 * keeps its id.
 */
import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { markCopied, type Origin, readMeta, readOrigin, writeMeta } from "./origin.ts";
import type { Store } from "./store.ts";

const MACHINE_ID = "/etc/machine-id";

export interface Instance extends Origin {
  readonly instance: string;
}

export interface Place {
  /** Machine and folder. */
  readonly path: string;
  /**
   * Number of the folder in its file system and when it was made, in nanoseconds since 1970, where that has to tell it from its copies;
   * else null. No tool sets that time: a folder that is moved there keeps both, any copy has its own. The time alone is that
   * of a tick of some milliseconds, in which a script makes more than one folder.
   */
  readonly folder: string | null;
}

/**
 * Every container has its data at the same path, and no machine id, or one that came with its image: there the path tells nothing.
 * The same goes for a file system that is mounted for the data alone.
 * To be asked once the store is open: in a container's own layer the folder is made anew by the first write.
 */
export function placeOf(dataDir: string, machineId = MACHINE_ID): Place {
  const machine = existsSync(machineId) ? readFileSync(machineId, "utf8").trim() : "";
  const path = realpathSync(dataDir);
  const { dev, ino, birthtimeNs } = statSync(path, { bigint: true });
  const isMounted = dev !== statSync(dirname(path), { bigint: true }).dev;
  // 0 where the file system keeps no such time. Numbers alone are not lasting on each of those.
  const folder = (machine === "" || isMounted) && birthtimeNs > 0n ? `${ino} ${birthtimeNs}` : null;
  return { path: `${machine}:${path}`, folder };
}

/** Whether a start got as far as `openInstance` on these data before. */
export const hasInstance = (facts: Store["facts"]): boolean => readMeta(facts, "instance_id") !== null;

/** Where the data come from is answered again and again, until `forgetOrigin`. */
export function openInstance({ facts, transaction }: Pick<Store, "facts" | "transaction">, place: Place): Instance {
  return transaction(() => {
    const known = readMeta(facts, "instance_id");
    const isCopy = known !== null && !isSame(place, facts);
    const instance = known === null || isCopy ? crypto.randomUUID() : known;
    writeMeta(facts, "instance_id", instance);
    writeMeta(facts, "instance_place", place.path);
    writeMeta(facts, "instance_folder", place.folder ?? "");
    if (isCopy) markCopied(facts, known);
    return { instance, ...readOrigin(facts) };
  });
}

/** A backup that was restored lies in whatever folder was made for it: it says itself that it is one, and its path has to do. */
function isSame({ path, folder }: Place, facts: Store["facts"]): boolean {
  const then = readMeta(facts, "instance_folder") || null;
  if (folder === null || then === null || readOrigin(facts).restoredFrom !== null)
    return readMeta(facts, "instance_place") === path;
  return folder === then;
}
