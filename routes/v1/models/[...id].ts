import { Elysia } from "elysia";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { Fault } from "../../../lib/fault.ts";
import { openAiErrors } from "../../../lib/http/schemas.ts";
import { pathOfUrl } from "../../../lib/http/url-path.ts";
import { ListedModelSchema } from "./_shapes.ts";

const FOLDER = "/v1/models/";

/** One model of the list; its id may have slashes. */
export default ({ gateway, gatewayModels }: Pick<ControlPlane, "gateway" | "gatewayModels">) =>
  new Elysia().get(
    "",
    async ({ request }) => {
      gateway.requireConfigured();
      const id = decoded(pathOfUrl(request.url).slice(FOLDER.length));
      const found = (await gatewayModels.all()).find((model) => model.id === id || model.key === id);
      if (!found)
        throw new Fault("not_found", "model_not_found", "There is no model of this name. See GET /v1/models.");
      return found;
    },
    {
      response: { 200: ListedModelSchema, ...openAiErrors(404, 503) },
      detail: { operationId: "getServedModel", summary: "One model of the list", tags: ["Gateway"] },
    },
  );

/** A name that is no valid escape is taken as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
