import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { errors } from "../../../lib/http/schemas.ts";
import type { Web } from "../../../lib/http/web.ts";
import { authorizeLine } from "../../../lib/setup/lines.ts";
import { SettingsSchema, SetupEntriesSchema } from "../../../lib/setup/settings.ts";
import { Reserved, TokenHeader, TokenQuery, tokenOf } from "../swap/_shapes.ts";

const SetupAnswer = Type.Object(
  {
    ...SettingsSchema.properties,
    public_key: Type.String({ description: "The controller's SSH public key" }),
    authorize_line: Type.String({ description: "Adds the public key for the user of a Spark who pastes it there" }),
    simulation: Type.Unsafe<Web["simulation"]["state"]>(
      Type.Union(
        (["possible", "running", "impossible"] as const).map((word) => Type.Literal(word)),
        {
          description: "Whether this process can show a simulated cluster, or shows one and can leave it",
        },
      ),
    ),
  },
  { title: "Setup" },
);

type Plane = Pick<ControlPlane, "setup" | "identity" | "log"> & Pick<Web, "simulation">;

export default ({ setup, identity, log, simulation }: Plane) => {
  const answer = (settings: ReturnType<typeof setup.settings>) => ({
    ...settings,
    public_key: identity.publicKeyLine,
    authorize_line: authorizeLine(identity.publicKeyLine),
    simulation: simulation.state,
  });
  return new Elysia()
    .get("", () => answer(setup.settings()), {
      response: { 200: SetupAnswer },
      detail: {
        operationId: "getSetup",
        summary: "The settings of the Sparks and where each comes from",
        tags: ["Set-up"],
      },
    })
    .put(
      "",
      ({ body: { trial = false, ...entries }, headers, query }) => {
        const token = tokenOf(headers["x-swap-lock-token"], query.token);
        const settings = setup.save(entries, trial, token);
        if (!trial)
          log.info("the settings of the Sparks were saved", { nodes: settings.nodes.map(({ name }) => name) });
        return answer(settings);
      },
      {
        body: Type.Object(
          {
            ...SetupEntriesSchema.properties,
            trial: Type.Optional(Type.Boolean({ description: "Only validate; write nothing" })),
          },
          { title: "SetupSave", additionalProperties: false },
        ),
        query: Type.Object(TokenQuery),
        headers: TokenHeader,
        response: { 200: SetupAnswer, 423: Reserved, ...errors(409, 422, 503) },
        detail: {
          operationId: "saveSetup",
          summary: "Save the settings of the Sparks",
          description:
            "Writes `topology.yaml` and keeps what else is in it. A malformed value is 422 with its field in `errors`; one that the environment sets is 409. What would take a reserved slot or vLLM from its place is 423.",
          tags: ["Set-up"],
        },
      },
    );
};
