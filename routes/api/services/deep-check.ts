import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { DeepCheckSchema } from "../../../lib/service/service.ts";

const DeepChecksSchema = Type.Object({ checks: Type.Array(DeepCheckSchema) }, { title: "DeepChecks" });

export default ({ deepChecks }: Pick<ControlPlane, "deepChecks">) =>
  new Elysia().post(
    "",
    async ({ request, server }) => {
      server?.timeout(request, 0);
      return { checks: await deepChecks.runAll() };
    },
    {
      response: { 200: DeepChecksSchema },
      detail: {
        operationId: "deepCheckServices",
        summary: "Let every service that is not hidden do a little of its real work",
        tags: ["Services"],
      },
    },
  );
