import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { ControlPlane } from "../../lib/control-plane.ts";
import { Fault } from "../../lib/fault.ts";
import { errors } from "../../lib/http/schemas.ts";
import type { Web } from "../../lib/http/web.ts";

const Switching = Type.Object(
  { simulated: Type.Boolean({ description: "What this process is about to show" }) },
  { title: "Switching" },
);

type Plane = Pick<ControlPlane, "config"> & Pick<Web, "simulation">;

/** The process answers, then ends its connections and comes back a moment later on the same port. */
export default ({ config, simulation }: Plane) =>
  new Elysia()
    .post(
      "",
      async ({ set }) => {
        if (simulation.state === "possible" && config.current.topology.nodes.length > 0)
          throw new Fault(
            "conflict",
            "sparks_configured",
            "Sparks are configured. The simulated cluster is for trying without any.",
          );
        await simulation.enter();
        set.status = 202;
        return { simulated: true };
      },
      {
        response: { 202: Switching, ...errors(409, 503) },
        detail: {
          operationId: "enterSimulated",
          summary: "Show a simulated cluster until it is left or the process restarts",
          description:
            "Only while no Spark is configured. Its data are in `DATA_DIR/simulated`; nothing real is touched.",
          tags: ["Set-up"],
        },
      },
    )
    .delete(
      "",
      async ({ set }) => {
        await simulation.leave();
        set.status = 202;
        return { simulated: false };
      },
      {
        response: { 202: Switching, ...errors(409, 503) },
        detail: { operationId: "leaveSimulated", summary: "Leave the simulated cluster", tags: ["Set-up"] },
      },
    );
