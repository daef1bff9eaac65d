import { rm } from "node:fs/promises";
import { i18n } from "../i18n";
import { sdk } from "../sdk";

/** While it is stopped only: the controller keeps what it has pinned in memory, and would write it again. */
export const resetHostKeys = sdk.Action.withoutInput(
  "reset-host-keys",
  async () => ({
    name: i18n("Reset pinned host keys"),
    description: i18n("Forgets the identity of every Spark. The key that each shows next is trusted."),
    warning: i18n(
      "Only after you have reinstalled a Spark, and on a network that you trust: this is what tells a Spark from an impostor.",
    ),
    allowedStatuses: "only-stopped",
    group: null,
    visibility: "enabled",
  }),
  async () => {
    await rm(sdk.volumes.main.subpath("known_hosts.json"), { force: true });
    return {
      version: "1",
      title: i18n("The host keys are forgotten"),
      message: i18n("Start the service: it pins the keys that the Sparks show then."),
      result: null,
    };
  },
);
