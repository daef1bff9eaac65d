/** What `machine-list` last asked for, for the panels beside it too. */
import { signal } from "../store.ts";
import type { Hardware } from "./calls.ts";

/** Its cards are older than those of the stream. Null until the first answer. */
export const hardware = signal<Hardware | null>(null);
