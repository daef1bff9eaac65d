/** The shape of topology.yaml. */
import { Type } from "@sinclair/typebox";
import { Amount, Choice, Port, Text, TextList, Whole, YesNo } from "./field-types.ts";
import {
  invalidContainerName,
  invalidHost,
  invalidImage,
  invalidInterfaceList,
  invalidInterfaceName,
  invalidPath,
  invalidUserName,
} from "./validate.ts";
import { invalidAllowedHost, invalidIPv4, invalidName, invalidNetwork, invalidOrigin } from "./values.ts";

const closed = { additionalProperties: false } as const;

export const NodeFields = Type.Partial(
  Type.Object({
    name: Text(invalidName, "Name of the Spark, such as spark-1. The first node of the list is the head."),
    host: Text(invalidHost, "Host name or IP address for SSH, without user and port.", { examples: ["10.77.0.11"] }),
    user: Text(invalidUserName, "Login name on the Spark.", { examples: ["alice"] }),
    ssh_port: Port("Port of the SSH server.", { default: 22 }),
    address: Text(
      invalidIPv4,
      "IPv4 address for HTTP and for the launch script. Left out: the address SSH connects to.",
    ),
    launch_dir: Text(invalidPath, "Folder of spark-vllm-docker on this Spark.", { default: "~/spark-vllm-docker" }),
    eth_if: Text(invalidInterfaceName, "Ethernet interface between the Sparks. Left out: the launch script finds it."),
    ib_if: Text(invalidInterfaceList, "RDMA interface, or several with commas. Left out: the launch script finds it."),
  }),
  closed,
);

export const SlotFields = Type.Partial(
  Type.Object({
    name: Text(invalidName, "Name of the slot."),
    nodes: TextList(
      invalidName,
      "Names of the nodes it runs on, head first. `main` may leave it out: it is over all of them then.",
      { minItems: 1 },
    ),
    port: Port("Port of vLLM's API.", { default: 8888 }),
    container: Text(invalidContainerName, "Name of the container.", { default: "vllm_node" }),
    image: Text(invalidImage, "Docker image that the launch script starts.", { default: "vllm-node" }),
  }),
  closed,
);

export const SettingsFields = Type.Partial(
  Type.Object({
    stall_seconds: Whole(30, 7200, "Seconds without any progress after which a load counts as stuck.", {
      default: 600,
    }),
    drain_seconds: Whole(0, 3600, "Seconds that a swap waits for requests in flight.", { default: 60 }),
    drain_on_timeout: Choice(
      ["ask", "fail", "cut_off"],
      "What a swap does with requests that still run then: ask in the dashboard, fail and stop nothing, or cut them off.",
      { default: "ask" },
    ),
    load_limit_seconds: Whole(60, 86_400, "Upper bound of one load in seconds.", { default: 3600 }),
    memory_reserve_gib: Amount(0, 120, "GiB kept free on each node beside the model when a plan is judged.", {
      default: 4,
    }),
    gateway_chat_in_flight: Whole(1, 4096, "Requests sent to one vLLM at a time.", { default: 128 }),
    gateway_chat_queue: Whole(0, 10_000, "Requests that may wait for it.", { default: 256 }),
    gateway_audio_in_flight: Whole(1, 256, "Requests sent to one speech service at a time.", { default: 2 }),
    gateway_audio_queue: Whole(0, 10_000, "Requests that may wait for it.", { default: 32 }),
    gateway_text_in_flight: Whole(1, 1024, "Requests sent to the embeddings service or the reranker at a time.", {
      default: 16,
    }),
    gateway_text_queue: Whole(0, 10_000, "Requests that may wait for it.", { default: 128 }),
    gateway_queue_seconds: Whole(1, 1800, "Seconds after which a waiting request is refused.", { default: 120 }),
    probe_seconds: Whole(1, 3600, "Seconds between two light probes of a service.", { default: 10 }),
    deep_check_minutes: Whole(0, 1440, "Minutes between two deep checks of a service; 0: only on demand.", {
      default: 60,
    }),
    service_start_seconds: Whole(1, 3600, "Seconds that a service may take from its start to its first answer.", {
      default: 180,
    }),
    update_limit_seconds: Whole(2, 7200, "Seconds after which an update of a bot is ended.", { default: 1500 }),
    auto_restart_vllm: YesNo("Whether a model that no longer answers is loaded again by itself.", { default: false }),
    gateway_limit: Choice(
      ["fixed", "adaptive"],
      "Requests at a time. adaptive: as many as an upstream takes before its latency grows, at most the numbers above.",
      { default: "fixed" },
    ),
    gateway_routing: Choice(
      ["refuse", "hold"],
      "What becomes of a request for a model that is not loaded. hold: it waits, and the model is loaded if no reservation forbids it.",
      { default: "refuse" },
    ),
    gateway_hold_seconds: Whole(1, 7200, "Seconds after which a request that is held is refused.", { default: 900 }),
    gateway_dwell_seconds: Whole(
      0,
      86_400,
      "Seconds that a model serves at least before another is loaded for a request that is held.",
      { default: 300 },
    ),
    allowed_hosts: TextList(invalidAllowedHost, "Further names under which the dashboard may be opened."),
    cors_origins: TextList(invalidOrigin, "Origins of other sites that may call the API from a browser."),
    trusted_proxies: TextList(invalidNetwork, "Addresses or networks whose X-Forwarded-* headers count."),
  }),
  closed,
);

export const TopologyFile = Type.Partial(
  Type.Object({
    nodes: Type.Array(NodeFields, { description: "The Sparks; the first is the head." }),
    slots: Type.Array(SlotFields, {
      description: "Places where a vLLM may run. Left out: one, `main`, over all nodes.",
    }),
    settings: SettingsFields,
  }),
  { additionalProperties: false, title: "Spark Control: topology.yaml" },
);
