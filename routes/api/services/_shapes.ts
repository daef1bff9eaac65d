/** Shapes that the routes of services share. */
import { Type } from "@sinclair/typebox";
import { t } from "elysia";
import { ServiceSchema } from "../../../lib/service/service.ts";
import { Token } from "../swap/_shapes.ts";

export const Name = t.Object({ name: t.String({ maxLength: 64, description: "Of the service, or of a vLLM slot" }) });

/** Nothing has to be sent; a token where a reservation is held and a model is touched. */
export const ActionBody = Type.Optional(
  Type.Union([
    Type.Object(
      { token: Token("Of the reservation, if one is held"), lock_token: Token("The same") },
      { title: "ServiceAction" },
    ),
    Type.Null(),
  ]),
);

export const ActionAnswer = Type.Object(
  {
    ...ServiceSchema.properties,
    job_id: Type.Union([Type.String(), Type.Null()], {
      description:
        "The swap that does it, where a slot is started or restarted: it goes on; null: it is done and verified",
    }),
    cut_off: Type.Union([Type.Integer(), Type.Null()], {
      description:
        "Requests that still ran in a slot at the end of its drain_seconds, and were cut off by its stop; null: nothing of that kind, or not known, because its vLLM gives no figures",
    }),
  },
  { title: "ServiceActionDone" },
);

const LogLineSchema = Type.Object(
  { at: Type.String({ description: "As docker wrote it" }), line: Type.String() },
  { title: "ContainerLogLine" },
);

export const LinesSchema = Type.Object({ lines: Type.Array(LogLineSchema) }, { title: "ContainerLog" });

export const Tail = t.Optional(t.Integer({ minimum: 1, maximum: 10_000, description: "So many lines; default 200" }));
export const USUAL_TAIL = 200;
