import { Type } from "@sinclair/typebox";
import { Elysia, t } from "elysia";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { errors } from "../../../lib/http/schemas.ts";
import { ScheduleEntrySchema } from "../../../lib/schedule/schedule.ts";

const tags = ["Schedule"];
const params = t.Object({ id: t.String({ maxLength: 64 }) });
const Removed = Type.Object({ removed: ScheduleEntrySchema }, { title: "ScheduleEntryRemoved" });

export default ({ schedules }: Pick<ControlPlane, "schedules">) =>
  new Elysia()
    .get("", ({ params: { id } }) => schedules.get(id), {
      params,
      response: { 200: ScheduleEntrySchema, ...errors(404) },
      detail: { operationId: "getScheduleEntry", summary: "One entry", tags },
    })
    .delete("", ({ params: { id } }) => ({ removed: schedules.remove(id) }), {
      params,
      response: { 200: Removed, ...errors(404) },
      detail: { operationId: "removeScheduleEntryById", summary: "Remove an entry", tags },
    });
