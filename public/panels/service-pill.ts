import type { Service } from "../services/calls.ts";
import { STATES } from "../services/words.ts";
import { connection } from "../state.ts";
import { pill } from "./pill.ts";

/** How a service is; "Was healthy" while there is no connection. Reads signals. */
export function servicePill({ state }: Pick<Service, "state">): ReturnType<typeof pill> {
  const [tone, word] = STATES[state];
  return connection.value.state === "lost" ? pill("unknown", `Was ${word.toLowerCase()}`) : pill(tone, word);
}
