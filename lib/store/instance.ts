/**
 * Who this controller is, for the fences on the nodes. The id is made once and kept with the data; beside it stands the
 * place where they lie. Data that are found at another place are a copy: a second controller may still run on the first
 * ones, so the copy gets an id of its own, and the nodes ask for a "Take over". A backup that is restored to its old place
 * keeps its id.
 */
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { markCopied, type Origin, readMeta, readOrigin, writeMeta } from "./origin.ts";
import type { Store } from "./store.ts";

const MACHINE_ID = "/etc/machine-id";

export interface Instance extends Origin {
  readonly instance: string;
}

/** Machine and folder. A container has no lasting machine id; there the folder alone counts. */
export function placeOf(dataDir: string): string {
  const machine = existsSync(MACHINE_ID) ? readFileSync(MACHINE_ID, "utf8").trim() : "";
  return `${machine}:${realpathSync(dataDir)}`;
}

/** Where the data come from is answered again and again, until `forgetOrigin`. */
export function openInstance({ facts, transaction }: Pick<Store, "facts" | "transaction">, place: string): Instance {
  return transaction(() => {
    const known = readMeta(facts, "instance_id");
    const isCopy = known !== null && readMeta(facts, "instance_place") !== place;
    const instance = known === null || isCopy ? crypto.randomUUID() : known;
    writeMeta(facts, "instance_id", instance);
    writeMeta(facts, "instance_place", place);
    if (isCopy) markCopied(facts, known);
    return { instance, ...readOrigin(facts) };
  });
}
