import { Elysia } from "elysia";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { DownloadOrderSchema, DownloadSchema, DownloadsSchema } from "../../../lib/downloads/download.ts";
import { errors } from "../../../lib/http/schemas.ts";

const tags = ["Models"];

export default ({ machines }: Pick<ControlPlane, "machines">) =>
  new Elysia()
    .get("", () => ({ downloads: machines.downloads.list() }), {
      response: { 200: DownloadsSchema },
      detail: { operationId: "listDownloads", summary: "Downloads of models: those that run, and the last ones", tags },
    })
    .post(
      "",
      async ({ body, request, set }) => {
        const download = await machines.download(body, request.signal);
        set.status = 202;
        return download;
      },
      {
        body: DownloadOrderSchema,
        response: { 202: DownloadSchema, ...errors(404, 409, 422, 502, 503, 504) },
        detail: {
          operationId: "startDownload",
          summary: "Download a model onto the Sparks",
          description:
            "With `hf-download.sh` on the first Spark, from which the others get a copy. Room on every disk is checked first (409 `no_room`). It goes on when the controller is restarted, and a new start goes on where an old one stopped. `/api/events` tells `download`.",
          tags,
        },
      },
    );
