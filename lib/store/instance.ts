/**
 * Who this controller is, for the fences on the nodes. The id is made once and kept with the data; beside it stands the
 * place where they lie. Data that are found at another place are a copy: a second controller may still run on the first
 * ones, so the copy gets an id of its own, and the nodes ask for a "Take over". A backup that is restored to its old place
 * keeps its id.
 */
import { existsSync, readFileSync, realpathSync } from "node:fs";
import type { Store } from "./store.ts";

const MACHINE_ID = "/etc/machine-id";

export interface Instance {
  readonly instance: string;
  /** Id of the controller whose data these were; null when they are its own. */
  readonly copiedFrom: string | null;
}

/** Machine and folder. A container has no lasting machine id; there the folder alone counts. */
export function placeOf(dataDir: string): string {
  const machine = existsSync(MACHINE_ID) ? readFileSync(MACHINE_ID, "utf8").trim() : "";
  return `${machine}:${realpathSync(dataDir)}`;
}

export function openInstance(store: Store, place: string): Instance {
  return store.transaction(() => {
    const known = read(store, "instance_id");
    const isCopy = known !== null && read(store, "instance_place") !== place;
    const instance = known === null || isCopy ? crypto.randomUUID() : known;
    write(store, "instance_id", instance);
    write(store, "instance_place", place);
    return { instance, copiedFrom: isCopy ? known : null };
  });
}

function read({ facts }: Store, key: string): string | null {
  return facts.query<{ value: string }, [string]>("SELECT value FROM meta WHERE key = ?1").get(key)?.value ?? null;
}

function write({ facts }: Store, key: string, value: string): void {
  facts.run("INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2", [key, value]);
}
