import { Type } from "@sinclair/typebox";
import { Elysia, t } from "elysia";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { Fault } from "../../../lib/fault.ts";
import { errors } from "../../../lib/http/schemas.ts";
import { ScheduleEntrySchema, ScheduleOrderSchema, ScheduleSchema } from "../../../lib/schedule/schedule.ts";

const tags = ["Schedule"];
const Removed = Type.Object({ removed: ScheduleEntrySchema }, { title: "ScheduleEntryRemoved" });

export default ({ schedules }: Pick<ControlPlane, "schedules">) =>
  new Elysia()
    .get("", ({ query }) => schedules.list(query.hours), {
      query: t.Object({
        hours: t.Optional(t.Numeric({ minimum: 1, maximum: 168, description: "How far to look; default 24" })),
      }),
      response: { 200: ScheduleSchema },
      detail: {
        operationId: "getSchedule",
        summary: "What other systems plan to run when; never executed here",
        description:
          "Entries with their next runs, the runs of the next hours, and where they get in each other's way.",
        tags,
      },
    })
    .post(
      "",
      ({ body, set }) => {
        const { entry, isNew } = schedules.register(body);
        set.status = isNew ? 201 : 200;
        return entry;
      },
      {
        body: ScheduleOrderSchema,
        response: { 200: ScheduleEntrySchema, 201: ScheduleEntrySchema, ...errors(409, 422) },
        detail: {
          operationId: "registerScheduleEntry",
          summary: "Register what is planned, or replace it",
          description: "Register it again from time to time: an entry that is not renewed for 30 days is marked stale.",
          tags,
        },
      },
    )
    .delete(
      "",
      ({ query, body }) => {
        const id = query.id ?? body?.id;
        if (id === undefined)
          throw new Fault("invalid", "id_missing", "Say which entry: `?id=…`, or `id` in the body.");
        return { removed: schedules.remove(id) };
      },
      {
        query: t.Object({ id: t.Optional(t.String({ minLength: 1, maxLength: 64 })) }),
        body: Type.Optional(
          Type.Object({ id: Type.Optional(Type.String({ maxLength: 64 })) }, { title: "ScheduleRemoval" }),
        ),
        response: { 200: Removed, ...errors(404, 422) },
        detail: {
          operationId: "removeScheduleEntry",
          summary: "Remove an entry",
          description: "Its `id` comes in the query, or in the body.",
          tags,
        },
      },
    );
