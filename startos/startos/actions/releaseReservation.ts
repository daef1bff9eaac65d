import { i18n } from "../i18n";
import { sdk } from "../sdk";
import { CONTROLLER } from "../utils";

const LIMIT_MS = 10_000;

export const releaseReservation = sdk.Action.withoutInput(
  "release-reservation",
  async () => ({
    name: i18n("Release the reservation"),
    description: i18n("Takes the GPUs back from whoever has reserved them."),
    warning: i18n("The program that holds the reservation loses it, and its swap if that has stopped nothing yet."),
    allowedStatuses: "only-running",
    group: null,
    visibility: "enabled",
  }),
  async () => {
    const url = `${CONTROLLER}/api/swap/lock`;
    const ask = (path: string, method: string) =>
      fetch(`${url}${path}`, { method, signal: AbortSignal.timeout(LIMIT_MS) }).catch(() => null);
    const before = await ask("", "GET");
    if (!before?.ok) throw new Error(i18n("The dashboard does not answer."));
    type Lock = { held?: boolean; holder?: string; generation?: number };
    const { held, holder, generation } = (await before.json()) as Lock;
    if (!held) return { version: "1", title: i18n("Nothing is reserved"), message: null, result: null };
    // The one that is named below, not whoever holds one by now.
    const released = await ask(`?force=true&generation=${generation}&reason=StartOS`, "DELETE");
    if (released?.status === 409) throw new Error(i18n("Another reservation is held by now. Nothing was released."));
    if (!released?.ok) throw new Error(i18n("The reservation could not be released."));
    return {
      version: "1",
      title: i18n("The reservation is released"),
      message: i18n("It was held by ${holder}.", { holder: String(holder ?? "").slice(0, 80) }),
      result: null,
    };
  },
);
