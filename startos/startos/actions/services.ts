/** What Configure Sparks says of the services beside vLLM. The dashboard edits the same keys of services-overrides.yaml. */
import type { YamlText } from "../fileModels/yamlText";

export const BRIDGE = "matrix-bridge";
export const SERVICES = ["parakeet", "diarizer", "kokoro", "embeddings", "reranker", "qdrant", BRIDGE] as const;
export type ServiceName = (typeof SERVICES)[number];

interface Wanted {
  readonly hiddenServices: readonly ServiceName[];
  readonly matrixUser: string | null;
}

/** Of a bridge that has a user: without one it is hidden anyway. */
export type Bridge = "shown again" | "hidden" | "as it was";

/**
 * A bridge that was hidden is shown again when it is no more among the services to hide, or when another user is entered for it:
 * nobody enters one for a bridge that is to stay out of sight. @throws Unusable
 */
export function editServices(services: YamlText, { hiddenServices, matrixUser }: Wanted): Bridge {
  const wasHidden = services.get(["services", BRIDGE, "disabled"]) === true;
  const before = services.get(["services", BRIDGE, "user"]);
  const isEntered = matrixUser !== null && matrixUser !== String(before ?? "");
  const isWanted = hiddenServices.includes(BRIDGE);
  const isShownAgain = wasHidden && isWanted && isEntered;
  for (const name of SERVICES) {
    const isHidden = hiddenServices.includes(name) && !(name === BRIDGE && isShownAgain);
    if (isHidden || services.get(["services", name, "disabled"]) !== null)
      services.set(["services", name, "disabled"], isHidden ? true : null);
  }
  if (matrixUser !== null || before !== null) services.set(["services", BRIDGE, "user"], matrixUser);
  if (isShownAgain) return "shown again";
  return isWanted && matrixUser !== null ? "hidden" : "as it was";
}
