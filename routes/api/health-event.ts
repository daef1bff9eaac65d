import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { ControlPlane } from "../../lib/control-plane.ts";
import { errors } from "../../lib/http/schemas.ts";

const HealthEvent = Type.Object(
  { service: Type.String({ minLength: 1, maxLength: 64, description: "Of the service, or of a vLLM slot" }) },
  { title: "HealthEvent", additionalProperties: true },
);
const Noted = Type.Object(
  { service: Type.String(), checking: Type.Boolean({ description: "It is looked at now, in the background" }) },
  { title: "HealthEventNoted" },
);

/** Whoever meets a failing service says so; nothing is believed, only looked at. */
export default ({ services, deepChecks }: Pick<ControlPlane, "services" | "deepChecks">) =>
  new Elysia().post(
    "",
    ({ body: { service }, set }) => {
      services.get(service);
      deepChecks.suspect(service);
      set.status = 202;
      return { service, checking: true };
    },
    {
      body: HealthEvent,
      response: { 202: Noted, ...errors(404, 422) },
      detail: {
        operationId: "reportHealthEvent",
        summary: "Say that a service failed at something: it is looked at at once",
        description: "Light probe and deep check in the background; whoever reports changes no state by it.",
        tags: ["Services"],
      },
    },
  );
