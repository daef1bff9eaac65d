import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { ControlPlane } from "../../lib/control-plane.ts";
import { UpgradeReportSchema } from "../../lib/upgrade/report.ts";

const UpgradeAnswer = Type.Object(
  { report: Type.Union([UpgradeReportSchema, Type.Null()], { description: "Null: there was nothing to take over" }) },
  { title: "Upgrade" },
);

export default ({ upgrade }: Pick<ControlPlane, "upgrade">) =>
  new Elysia().get("", () => ({ report: upgrade.report() }), {
    response: { 200: UpgradeAnswer },
    detail: {
      operationId: "getUpgrade",
      summary: "What was taken over from the data of the earlier version, and what was not",
      tags: ["Status"],
    },
  });
