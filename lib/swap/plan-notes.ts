/** What a look at the Sparks may find against a swap, in words. */
import type { Node } from "../topology/topology.ts";
import { failure } from "./failure.ts";
import type { Download, Failure, PlanNote } from "./swap.ts";

export function notNeeded(node: string, { message, evidence }: Failure): PlanNote {
  return failure(
    "node_unreachable",
    `${node} could not be asked and is left alone; this model does not need it. ${message}`,
    evidence,
  );
}

export function scriptMissing(node: Node): PlanNote {
  return failure(
    "launch_script_missing",
    `The launch script is missing on ${node.name}.`,
    `${node.name}: ${node.launch_dir}/launch-cluster.sh does not exist`,
    "Clone spark-vllm-docker there, or set launch_dir of this node in the topology.",
  );
}

export function imageMissing(node: Node, image: string): PlanNote {
  return failure(
    "image_missing",
    `The container image ${image} is missing on ${node.name}.`,
    `${node.name}: docker image inspect ${image} finds nothing`,
    "Build or copy the image (build-and-copy.sh of the launch script's folder).",
  );
}

export function diskFull(node: Node, freeKib: number): PlanNote {
  return failure(
    "disk_full",
    `The disk of ${node.name} is full.`,
    `${node.name}: df -Pk ~ shows ${freeKib} KiB available`,
    "Delete models that are not needed any more.",
  );
}

export function folderMissing(node: Node, path: string): PlanNote {
  return failure(
    "local_model_missing",
    `The folder of this local model is missing on ${node.name}.`,
    `${node.name}: ${path} is not a directory`,
    "Copy the folder to the same path on every Spark that the model uses.",
  );
}

export function foreignNode(node: Node, instance: string): PlanNote {
  return failure(
    "other_controller",
    `${node.name} belongs to another Spark Control.`,
    `${node.name}: ~/.spark-control/instance is ${instance}`,
    `Stop the other one. If it is gone for good, take the Spark over: POST /api/nodes/${node.name}/take-over {"instance":"${instance}"}.`,
  );
}

/** Both for what is not there at all and for what is there in part. */
export function needsDownload({ nodes, begun, bytes }: Download): PlanNote {
  const where = nodes.join(" and ");
  const much = bytes === null ? "it" : `about ${Math.max(1, Math.round(bytes / 1e9))} GB`;
  const state = begun ? `only partly on ${where}` : `not on ${where} yet`;
  const each = nodes.length > 1 ? " on each" : "";
  return failure("needs_download", `It is ${state}: vLLM downloads ${much}${each} first, which may take long.`);
}
