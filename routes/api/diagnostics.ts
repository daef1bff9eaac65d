import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { ControlPlane } from "../../lib/control-plane.ts";
import { hostKeysOf } from "../../lib/host-keys.ts";
import type { Web } from "../../lib/http/web.ts";
import { statusOf } from "../../lib/status.ts";

const SWAPS = 5;

const Diagnostics = Type.Record(Type.String(), Type.Unknown(), {
  title: "Diagnostics",
  description:
    "Parts of other answers under the names of their routes' last words; without secrets, for people to read",
});

export default (plane: ControlPlane & Pick<Web, "refusedHosts">) =>
  new Elysia().get(
    "",
    () =>
      plane.redacted({
        health: { version: plane.version, started_at: plane.startedAt, simulated: plane.simulated },
        status: statusOf(plane),
        swaps: plane.swaps.list(SWAPS),
        host_keys: hostKeysOf(plane),
        refused_hosts: plane.refusedHosts.list(),
        upgrade: plane.upgrade.report(),
      }) as Record<string, unknown>,
    {
      response: { 200: Diagnostics },
      detail: {
        operationId: "getDiagnostics",
        summary: "What helps somebody else to see what is wrong, to be passed on",
        description:
          "States, problems, the last swaps. Whatever is known to be a secret, or looks like one, is left out. Addresses and names of your network are in it.",
        tags: ["Status"],
      },
    },
  );
