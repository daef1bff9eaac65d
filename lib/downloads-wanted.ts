/** What somebody who asks for a download means, by the catalog. */
import type { Model } from "./catalog/catalog.ts";
import { invalidRepoId } from "./config/validate.ts";
import type { DownloadOrder } from "./downloads/download.ts";
import type { Wanted } from "./downloads/downloads.ts";
import { Fault } from "./fault.ts";
import type { Topology } from "./topology/topology.ts";

const BYTES_PER_GB = 1e9;

/** @throws Fault 404 unknown model, 409 a local one, 422 neither or both */
export function wantedBy(
  { model: key, repo, nodes }: DownloadOrder,
  models: readonly Model[],
  topology: Topology,
): Wanted {
  if ((key === undefined) === (repo === undefined))
    throw new Fault("invalid", "malformed_download", "Exactly one of model and repo is needed.");
  const refusal = repo === undefined ? null : invalidRepoId(repo);
  if (refusal !== null) throw new Fault("invalid", "malformed_download", `The repository ${refusal}.`);
  const model = models.find((each) =>
    key === undefined ? each.source.kind === "repo" && each.source.repo === repo : each.key === key,
  );
  if (key !== undefined && !model)
    throw new Fault("not_found", "unknown_model", `There is no model "${key.slice(0, 64)}" in the catalog.`);
  if (model?.source.kind === "local")
    throw new Fault("conflict", "local_model", `${model.name} is a folder on the Sparks; nothing downloads it.`);
  const configured = topology.nodes.flatMap((node) => (node.status === "configured" ? [node.name] : []));
  return {
    repo: model?.source.kind === "repo" ? model.source.repo : (repo ?? ""),
    model: model?.key ?? null,
    bytes: model?.size_gb == null ? null : model.size_gb * BYTES_PER_GB,
    nodes: [...new Set(nodes ?? configured)],
  };
}
