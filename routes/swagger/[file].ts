import { Elysia, t } from "elysia";
import { Fault } from "../../lib/fault.ts";
import { errors, FileOf } from "../../lib/http/schemas.ts";
import { swaggerFile } from "../../lib/http/swagger-ui.ts";

export default () =>
  new Elysia().get(
    "",
    ({ params }) => {
      const file = swaggerFile(params.file);
      if (!file) throw new Fault("not_found", "not_found", "There is no such file.");
      return file;
    },
    {
      params: t.Object({ file: t.String() }),
      response: { 200: FileOf("application/octet-stream"), ...errors(404) },
      detail: { operationId: "getSwaggerFile", summary: "A file of the API pages", tags: ["Documentation"] },
    },
  );
