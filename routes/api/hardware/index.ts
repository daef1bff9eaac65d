import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { HardwareCardSchema } from "../../../lib/hardware/card.ts";
import { HistorySchema } from "../../../lib/hardware/history.ts";
import { Nullable } from "../../../lib/schema.ts";
import { HeadLoginSchema } from "../../../lib/setup/head-logins.ts";
import { authorizeLine } from "../../../lib/setup/lines.ts";

const Hardware = Type.Object(
  {
    cards: Type.Array(
      Type.Object(
        {
          ...HardwareCardSchema.properties,
          history: Nullable(HistorySchema, { description: "The last hour; null: nobody looked in it" }),
        },
        { title: "HardwareCardWithHistory" },
      ),
    ),
    logins: Type.Array(HeadLoginSchema, { description: "From the first Spark to each other one, as launches need it" }),
    public_key: Type.String({ description: "The controller's SSH public key" }),
    authorize_line: Type.String({ description: "Adds the public key for the user of a Spark who pastes it there" }),
  },
  { title: "Hardware" },
);

export default ({ machines, identity }: Pick<ControlPlane, "machines" | "identity">) =>
  new Elysia().get(
    "",
    async () => {
      const { hardware, logins } = machines;
      await hardware.viewed();
      return {
        cards: hardware.cards().map((card) => ({ ...card, history: hardware.history(card.name) })),
        logins: logins.list(),
        public_key: identity.publicKeyLine,
        authorize_line: authorizeLine(identity.publicKeyLine),
      };
    },
    {
      response: { 200: Hardware },
      detail: {
        operationId: "getHardware",
        summary: "The card of each Spark: GPU, memory, processors, disk, and their last hour",
        description:
          "The Sparks are asked every 5 s while somebody looks: for a minute after this call, and as long as a stream of `/api/events` is open, which then tells `hardware` {cards}. The first call waits for the first answers.",
        tags: ["Sparks"],
      },
    },
  );
