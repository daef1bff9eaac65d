import { Elysia } from "elysia";
import type { ControlPlane } from "../../lib/control-plane.ts";
import { hostKeysOf } from "../../lib/host-keys.ts";
import { FileOf } from "../../lib/http/schemas.ts";
import type { Web } from "../../lib/http/web.ts";
import { statusOf } from "../../lib/status.ts";

const SWAPS = 5;
const HEADERS = {
  "content-type": "text/plain; charset=utf-8",
  "content-disposition": 'attachment; filename="spark-control-diagnostics.txt"',
  "cache-control": "no-store",
};

/** Text for people, not an interface: parts of other answers, in JSON, as they are at the moment. */
export default (plane: ControlPlane & Pick<Web, "refusedHosts">) =>
  new Elysia().get(
    "",
    () => {
      const said = plane.redacted({
        health: { version: plane.version, started_at: plane.startedAt, simulated: plane.simulated },
        status: statusOf(plane),
        swaps: plane.swaps.list(SWAPS),
        host_keys: hostKeysOf(plane),
        refused_hosts: plane.refusedHosts.list(),
        upgrade: plane.upgrade.report(),
      });
      return new Response(`${JSON.stringify(said, null, 2)}\n`, { headers: HEADERS });
    },
    {
      response: { 200: FileOf("text/plain") },
      detail: {
        operationId: "getDiagnostics",
        summary: "What helps somebody else to see what is wrong, as a text to be passed on",
        description:
          "States, problems, the last swaps. Whatever is known to be a secret, or looks like one, is left out. Addresses and names of your network are in it.",
        tags: ["Status"],
      },
    },
  );
