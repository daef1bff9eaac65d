import { Elysia, t } from "elysia";
import type { ControlPlane } from "../../../../lib/control-plane.ts";
import { errors } from "../../../../lib/http/schemas.ts";
import { DeletedFilesSchema } from "../../../../lib/model-files.ts";
import { Reserved, TokenHeader, TokenQuery, tokenOf } from "../../swap/_shapes.ts";

export default ({ machines }: Pick<ControlPlane, "machines">) =>
  new Elysia().delete(
    "",
    ({ params: { key }, query: { confirm, node, token }, headers }) =>
      machines.deleteFiles({ key, confirm, node, token: tokenOf(headers["x-swap-lock-token"], token) }),
    {
      params: t.Object({ key: t.String({ maxLength: 64 }) }),
      query: t.Object({
        confirm: t.String({ maxLength: 200, description: "The model's key or repository, as the person typed it" }),
        node: t.Optional(t.String({ maxLength: 64, description: "Only on this Spark" })),
        ...TokenQuery,
      }),
      headers: TokenHeader,
      response: { 200: DeletedFilesSchema, 423: Reserved, ...errors(404, 409, 422, 502, 504) },
      detail: {
        operationId: "deleteModelFiles",
        summary: "Delete a model's files from the disks of the Sparks",
        description:
          "Refused (409) for a local model, for one that is loaded or being loaded, while it is downloaded, and while it is deleted already. Meanwhile it is neither loaded nor downloaded (409 `files_being_deleted`). The entry of the catalog stays. Where another has reserved one of these Sparks it is 423: what they reserved may be about to load it.",
        tags: ["Models"],
      },
    },
  );
