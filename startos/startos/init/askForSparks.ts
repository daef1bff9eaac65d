import { stat } from "node:fs/promises";
import { configureSparks } from "../actions/configureSparks";
import { i18n } from "../i18n";
import { sdk } from "../sdk";

/** Not "critical": the service starts without it, and shows Set-up. Not for data that know the Sparks already. */
export const askForSparks = sdk.setupOnInit(async (effects, kind) => {
  if (kind !== "install") return;
  const isThere = async (name: string) => (await stat(sdk.volumes.main.subpath(name)).catch(() => null)) !== null;
  if ((await isThere("topology.yaml")) || (await isThere("app_settings.json"))) return;
  await sdk.action.createOwnTask(effects, configureSparks, "important", {
    reason: i18n("Tell Spark Control where your Sparks are."),
  });
});
