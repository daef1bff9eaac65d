/** The shape of services-overrides.yaml. */
import { Type } from "@sinclair/typebox";
import { Choice, Port, Text, YesNo } from "./field-types.ts";
import { invalidContainerName, invalidHost, invalidPath, invalidUserName } from "./validate.ts";
import { invalidBranch, invalidName } from "./values.ts";

export const SERVICE_KINDS = [
  "asr",
  "diarizer",
  "tts",
  "embeddings",
  "reranker",
  "qdrant",
  "vllm",
  "http",
  "bot",
] as const;

export const ServiceFields = Type.Partial(
  Type.Object({
    kind: Choice(SERVICE_KINDS, "What sort of service it is; decides how its health is probed."),
    node: Text(invalidName, "Name of the node that hosts it."),
    host: Text(invalidHost, "Host name or IP address, when it is not the node's own or no Spark hosts it."),
    port: Port("Port of its HTTP API."),
    container: Text(invalidContainerName, "Its container on the node, for start, stop, restart and logs."),
    disabled: YesNo("Hides the service and stops probing it."),
    auto_restart: YesNo(
      "Restart it by itself once it has failed, at most three times in 30 minutes. Default true, for vllm false.",
    ),
    user: Text(invalidUserName, "A bot's own login name on its node."),
    directory: Text(invalidPath, "A bot's checkout, for updates.", { default: "~/matrix-bridge" }),
    branch: Text(invalidBranch, "A bot's branch, for updates.", { default: "main" }),
  }),
  { additionalProperties: false },
);

export const ServicesFile = Type.Partial(
  Type.Object({
    services: Type.Record(Type.String(), ServiceFields, {
      description: "Services by name: changes to the known ones, and further ones.",
    }),
  }),
  { additionalProperties: false, title: "Spark Control: services-overrides.yaml" },
);
