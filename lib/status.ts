/** The wire shapes of `/api/status`, `/api/endpoints` and `/api/models`, put together from what the nouns know. */
import { type Static, Type } from "@sinclair/typebox";
import type { Model } from "./catalog/catalog.ts";
import type { ControlPlane } from "./control-plane.ts";
import { type Availability, availability, folderOf, onDisk } from "./inventory/disks.ts";
import { type Lock, LockSchema, UNKNOWN_HOLDER } from "./lock/lock.ts";
import { NodeStatusSchema, nodeStatus } from "./node-status.ts";
import { Nullable, OneOf } from "./schema.ts";
import { FACTS_FILE } from "./store/lost-facts.ts";
import { StoreProblemSchema } from "./store/store-watch.ts";
import { type Fit, type FitFacts, fitOf } from "./swap/fit.ts";
import { servedName } from "./swap/served.ts";
import { SlotStatusSchema } from "./swap/slots.ts";
import { SwapJobSchema } from "./swap/swap.ts";
import { isConfigured } from "./topology/topology.ts";

export const ProblemSchema = Type.Object(
  {
    source: Type.String({ description: "File name, or `environment`" }),
    line: Nullable(Type.Integer()),
    path: Type.String(),
    message: Type.String(),
    instead: Type.String({ description: "What was done instead" }),
  },
  { title: "ConfigurationProblem" },
);

export const StatusSchema = Type.Object(
  {
    version: Type.String(),
    started_at: Type.String(),
    simulated: Type.Boolean(),
    configured: Type.Boolean({ description: "False until one Spark can be used" }),
    public_key: Type.String({
      description: "The controller's SSH public key; belongs into authorized_keys of each Spark",
    }),
    nodes: Type.Array(NodeStatusSchema),
    slots: Type.Array(SlotStatusSchema),
    swaps: Type.Array(SwapJobSchema, { description: "Swaps that run now" }),
    lock: Nullable(LockSchema, { description: "The reservation that is held; null when none is" }),
    lock_waiting: Type.Integer({ description: "Clients that wait in line for a reservation" }),
    problems: Type.Array(ProblemSchema),
    store_problem: Nullable(StoreProblemSchema, {
      description: "Why nothing can be kept now, such as a full disk: swaps wait meanwhile. Null when all is well",
    }),
    stall_seconds: Type.Number({ description: "Seconds without any progress after which a load counts as stuck" }),
  },
  { title: "Status" },
);
export type Status = Static<typeof StatusSchema>;

/** A reservation that stands for what nobody knows: no one is there who could give it back. */
const problemsOf = (lock: Lock | null): Static<typeof ProblemSchema>[] =>
  lock === null || lock.reason === null || lock.holder !== UNKNOWN_HOLDER
    ? []
    : [
        {
          ...{ source: FACTS_FILE, line: null, path: "", message: lock.reason },
          instead: "Everything counts as reserved.",
        },
      ];

/** Said until the next start. */
const problemsOfStore = (notice: ControlPlane["storeNotice"]): Static<typeof ProblemSchema>[] =>
  notice === null
    ? []
    : [
        {
          ...{ source: notice.file, line: null, path: "", message: `It was damaged: ${notice.why}.` },
          instead: `A new one was begun: only old log lines and measurements are lost. The damaged one is kept as ${notice.keptAs}.`,
        },
      ];

export function statusOf(
  plane: Pick<
    ControlPlane,
    | "version"
    | "startedAt"
    | "simulated"
    | "config"
    | "slots"
    | "swaps"
    | "lock"
    | "identity"
    | "storeWatch"
    | "storeNotice"
    | "machines"
  >,
): Status {
  const { topology, problems } = plane.config.current;
  const lock = plane.lock.current();
  return {
    version: plane.version,
    started_at: plane.startedAt,
    simulated: plane.simulated,
    configured: isConfigured(topology),
    public_key: plane.identity.publicKeyLine,
    nodes: topology.nodes.map((node) =>
      nodeStatus(node, plane.slots.node(node.name), plane.machines.connectivity.state(node.name)),
    ),
    slots: plane.slots.statuses(),
    swaps: plane.swaps.active(),
    lock,
    lock_waiting: plane.lock.waiting,
    problems: [...problems, ...problemsOf(lock), ...problemsOfStore(plane.storeNotice)],
    store_problem: plane.storeWatch.problem,
    stall_seconds: topology.settings.stall_seconds,
  };
}

export const EndpointsSchema = Type.Object(
  {
    endpoints: Type.Array(
      Type.Object({
        name: Type.String({ description: "Name of the slot or the service" }),
        kind: Type.String(),
        node: Nullable(Type.String()),
        url: Nullable(Type.String({ description: "Base URL; null while its address is not known" })),
        gateway_url: Nullable(
          Type.String({
            description: "Base URL of the same through this controller; null where it does not lead there",
          }),
        ),
        model: Nullable(Type.String({ description: "Name to ask for: what `/v1/models` lists" })),
        model_key: Nullable(Type.String({ description: "Key of the catalog" })),
        disabled: Type.Boolean(),
      }),
    ),
  },
  { title: "Endpoints" },
);

/** Kinds that the gateway leads to. */
const PROXIED = new Set(["asr", "tts", "embeddings", "reranker"]);

/** @param origin of this controller as the caller knows it, such as `http://spark.local:9999` */
export function endpointsOf(
  plane: Pick<ControlPlane, "config" | "slots">,
  origin: string,
): Static<typeof EndpointsSchema> {
  const gateway = `${origin}/v1`;
  const { topology } = plane.config.current;
  const statuses = plane.slots.statuses();
  const slots = statuses.map((slot) => ({
    name: slot.name,
    kind: "vllm",
    node: slot.nodes[0] ?? null,
    url: slot.url,
    gateway_url: gateway,
    model: slot.served_ids[0] ?? null,
    model_key: slot.model,
    disabled: false,
  }));
  const services = topology.services.map((service) => {
    const node = topology.nodes.find((each) => each.name === service.node);
    const address = service.host ?? (node?.status === "configured" ? (node.address ?? node.host) : null);
    return {
      name: service.name,
      kind: service.kind,
      node: service.node,
      url: address === null || service.port === null ? null : `http://${bracketed(address)}:${service.port}`,
      gateway_url: PROXIED.has(service.kind) && !service.disabled ? gateway : null,
      model: null,
      model_key: null,
      disabled: service.disabled,
    };
  });
  return { endpoints: [...slots, ...services] };
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

export const ModelSchema = Type.Object(
  {
    key: Type.String(),
    name: Type.String(),
    repo: Nullable(Type.String()),
    local_path: Nullable(Type.String()),
    local: Type.Boolean(),
    nodes: Type.Integer(),
    quantization: Nullable(Type.String()),
    size_gb: Nullable(Type.Number()),
    gpu_memory_utilization: Type.Number(),
    max_model_len: Nullable(Type.Integer()),
    served_name: Type.String({ description: "What `/v1/models` lists once it is loaded" }),
    aliases: Type.Array(Type.String()),
    args: Type.Array(Type.String()),
    note: Nullable(Type.String()),
    origin: OneOf<Model["origin"]>(["shipped", "overrides", "disk"], {
      description: "disk: it lies on a Spark and is in no catalog; what is said of it is inferred from its config.json",
    }),
    needs_setup: Nullable(Type.String({ description: "Why a model found on a disk cannot be loaded as it is" })),
    folder: Type.String({ description: "Where its files are on each Spark" }),
    on_disk: Nullable(
      Type.Array(Type.Object({ node: Type.String(), bytes: Type.Number() }), {
        description: "Sparks on which it lies, complete or not; null until one was asked",
      }),
    ),
    availability: OneOf<Availability>(["on_disk", "partial", "needs_download", "missing", "unknown"], {
      description: "On the Sparks that it would run on; missing: the folder of a local model is on none of them",
    }),
    fit: Type.Object(
      {
        verdict: OneOf<Fit["verdict"]>(["fits", "tight", "does_not_fit", "unknown"]),
        left_gib: Nullable(Type.Number({ description: "Left on the fullest Spark" })),
        reason: Nullable(Type.String()),
      },
      { description: "In the first slot with enough Sparks, once what was loaded there has stopped" },
    ),
    loaded_in: Type.Array(Type.String(), { description: "Slots that serve it now" }),
    last_load_seconds: Nullable(Type.Number()),
    load_seconds_estimate: Nullable(
      Type.Number({ description: "From earlier loads, else from its size; null when neither is known" }),
    ),
    not_now: Nullable(Type.String({ description: "Why no swap to it can begin now, such as a Spark out of reach" })),
  },
  { title: "Model" },
);
export const ModelsSchema = Type.Object(
  {
    models: Type.Array(ModelSchema),
    hidden: Type.Array(Type.Object({ key: Type.String(), name: Type.String() }), {
      description: "Taken out of the menu; `POST /api/models/{key}/restore` brings one back",
    }),
    problems: Type.Array(ProblemSchema),
  },
  { title: "Models" },
);

export function modelsOf(
  plane: Pick<ControlPlane, "config" | "slots" | "swaps" | "inventory">,
): Static<typeof ModelsSchema> {
  const { catalog, topology } = plane.config.current;
  const statuses = plane.slots.statuses();
  const { use, menu } = plane.inventory;
  const facts: FitFacts = {
    slots: topology.slots,
    beliefs: plane.swaps.beliefs(),
    node: (name) => plane.slots.node(name),
    calm: (name) => plane.slots.calm(name),
    reserveGib: topology.settings.memory_reserve_gib,
    swapping: plane.swaps.active().flatMap((job) => job.nodes),
  };
  return {
    models: menu.models.map((model) => {
      const { verdict, leftGib, reason, nodes } = fitOf(model, facts);
      return {
        key: model.key,
        name: model.name,
        repo: model.source.kind === "repo" ? model.source.repo : null,
        local_path: model.source.kind === "local" ? model.source.path : null,
        local: model.source.kind === "local",
        nodes: model.nodes,
        quantization: model.quantization,
        size_gb: model.size_gb,
        gpu_memory_utilization: model.gpu_memory_utilization,
        max_model_len: model.max_model_len,
        served_name: servedName(model),
        aliases: [...model.aliases],
        args: [...model.args],
        note: model.note,
        origin: model.origin,
        needs_setup: menu.needsSetup.get(model.key) ?? null,
        folder: folderOf(model),
        on_disk: onDisk(model, use),
        availability: availability(model, use, nodes),
        fit: { verdict, left_gib: leftGib, reason },
        loaded_in: statuses.filter((slot) => slot.model === model.key).map((slot) => slot.name),
        last_load_seconds: plane.swaps.loadSeconds(model.key),
        load_seconds_estimate: plane.swaps.estimatedSeconds(model),
        not_now:
          menu.needsSetup.get(model.key) ?? notNow(model, use, nodes, (name) => plane.slots.node(name)?.reachable),
      };
    }),
    hidden: [...(catalog.hidden ?? [])],
    problems: [...catalog.problems],
  };
}

/** @param reachable undefined for a Spark that was not looked at yet */
function notNow(
  model: Model,
  use: Parameters<typeof availability>[1],
  nodes: readonly string[],
  reachable: (node: string) => boolean | undefined,
): string | null {
  const away = nodes.filter((node) => reachable(node) === false);
  if (away.length > 0) return `${away.join(" and ")} ${away.length === 1 ? "is" : "are"} not reachable.`;
  if (availability(model, use, nodes) !== "missing") return null;
  return `Its folder is missing on ${nodes.length === 0 ? "every Spark" : nodes.join(" and ")}.`;
}
