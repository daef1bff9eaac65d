import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { inItsTime } from "../../../lib/http/idle-time.ts";
import { DeepCheckSchema } from "../../../lib/service/service.ts";

const DeepChecksSchema = Type.Object({ checks: Type.Array(DeepCheckSchema) }, { title: "DeepChecks" });

export default ({ deepChecks }: Pick<ControlPlane, "deepChecks">) =>
  new Elysia().post(
    "",
    async ({ request, server }) => ({ checks: await inItsTime(server, request, () => deepChecks.runAll()) }),
    {
      response: { 200: DeepChecksSchema },
      detail: {
        operationId: "deepCheckServices",
        summary: "Let every service that is not hidden do a little of its real work",
        tags: ["Services"],
      },
    },
  );
