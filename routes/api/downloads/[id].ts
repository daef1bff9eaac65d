import { Elysia, t } from "elysia";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { DownloadSchema } from "../../../lib/downloads/download.ts";
import { errors } from "../../../lib/http/schemas.ts";

const tags = ["Models"];
const params = t.Object({ id: t.String({ maxLength: 64 }) });

export default ({ machines: { downloads } }: Pick<ControlPlane, "machines">) =>
  new Elysia()
    .get("", ({ params: { id } }) => downloads.get(id), {
      params,
      response: { 200: DownloadSchema, ...errors(404) },
      detail: { operationId: "getDownload", summary: "One download", tags },
    })
    .delete("", ({ params: { id } }) => downloads.cancel(id), {
      params,
      response: { 200: DownloadSchema, ...errors(404, 409) },
      detail: {
        operationId: "cancelDownload",
        summary: "Cancel a download",
        description:
          "`cancelling` until the Spark has ended it, then `cancelled`. What was downloaded stays on its disk, and a new start goes on from there.",
        tags,
      },
    });
