import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { Web } from "../../lib/http/web.ts";

const RefusedHosts = Type.Object(
  {
    refused_hosts: Type.Array(
      Type.Object({ name: Type.String(), last_at: Type.String(), count: Type.Integer() }, { title: "RefusedHost" }),
    ),
  },
  { title: "RefusedHosts" },
);

export default ({ refusedHosts }: Pick<Web, "refusedHosts">) =>
  new Elysia().get("", () => ({ refused_hosts: [...refusedHosts.list()] }), {
    response: { 200: RefusedHosts },
    detail: {
      operationId: "listRefusedHosts",
      summary: "The last names under which someone tried to open Spark Control in vain",
      description: "To allow one, add it to `allowed_hosts` in topology.yaml or to ALLOWED_HOSTS.",
      tags: ["Status"],
    },
  });
