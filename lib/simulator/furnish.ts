/** What lies and runs on a Spark when the simulation begins. */
import type { Dialect } from "./launch-options.ts";
import { launchScriptText } from "./launch-text.ts";
import { CACHED_MODELS, configOf } from "./model-sizes.ts";
import type { VirtualProcess } from "./processes.ts";
import type { SimulatedService } from "./services.ts";
import { HOME, LAUNCH_DIR, LAUNCH_SCRIPT, type SimulatedSpark } from "./spark.ts";

export const VLLM_IMAGE = "vllm-node";
const KB_PER_GB = 1e9 / 1024;
const LOCAL_MODELS = { "/models/acme-14b-instruct": 28.4 };
const SEGMENTATION_FAULT = 139;
const MODS = ["fix-qwen3-coder-next", "fix-glm-4.5", "use-ngc-vllm"];

/** The disk: launch scripts, Hugging Face cache, local models; and the images. */
export function furnishDisk(spark: SimulatedSpark, dialect: Dialect): void {
  spark.docker.addImage(VLLM_IMAGE);
  spark.files.addFolder(HOME);
  spark.files.addText(LAUNCH_SCRIPT, launchScriptText(dialect));
  spark.files.addText(`${LAUNCH_DIR}/hf-download.sh`, "#!/usr/bin/env bash\n");
  for (const mod of MODS) spark.files.addText(`${LAUNCH_DIR}/mods/${mod}/run.sh`, "#!/bin/bash\n");
  for (const [repository, gigabytes] of Object.entries(CACHED_MODELS)) {
    const folder = `${HOME}/.cache/huggingface/hub/models--${repository.replace("/", "--")}`;
    spark.files.addFolder(`${folder}/blobs`, Math.round(gigabytes * KB_PER_GB));
    const config = configOf(repository);
    if (config) spark.files.addText(`${folder}/snapshots/main/config.json`, config);
    else spark.files.addFolder(`${folder}/snapshots`);
    spark.files.addFolder(`${folder}/refs`);
  }
  for (const [folder, gigabytes] of Object.entries(LOCAL_MODELS)) {
    spark.files.addText(`${folder}/config.json`, "{}\n");
    spark.files.addText(`${folder}/chat_template.jinja`, "{{ messages }}\n");
    spark.files.addFolder(folder, Math.round(gigabytes * KB_PER_GB));
  }
}

/** Starts the container of a service; its port answers after the warm-up. */
export function startService(spark: SimulatedSpark, service: SimulatedService, port: number): void {
  let isFirstStart = true;
  spark.docker.addImage(service.image);
  spark.docker.run({
    name: service.container,
    image: service.image,
    argv: [`${service.name}-server`, "--port", String(port)],
    autoRemove: false,
    restarts: true,
    obeysTerm: true,
    main: async (self, container) => {
      container.log.append(`Starting ${service.name} on port ${port}\n`);
      self.memoryKb = service.memoryKb;
      const bound = spark.ports.bind(port);
      if (!bound) {
        container.log.append(`OSError: [Errno 98] Address already in use\n`);
        return 1;
      }
      spark.processes.onExit(self, () => bound.release());
      // The cluster is found with its services up.
      if (!isFirstStart) await spark.scheduler.sleep(service.warmUpSeconds, self.signal);
      isFirstStart = false;
      if (spark.faults.ofService("service_dies", spark.name, service.name)) {
        container.log.append("Segmentation fault (core dumped)\n");
        return SEGMENTATION_FAULT;
      }
      bound.listen((request) => answer(spark, service, request));
      container.log.append(`${service.name} ready\n`);
      return foreverUntilKilled(self);
    },
  });
}

/** What the service says, or what it does under the fault that it has. */
async function answer(spark: SimulatedSpark, { name, handler }: SimulatedService, request: Request): Promise<Response> {
  const has = (kind: "service_fails" | "service_silent") => spark.faults.ofService(kind, spark.name, name);
  if (has("service_silent")) await spark.changes.when(() => !has("service_silent"), request.signal);
  if (request.method === "POST" && has("service_fails"))
    return Response.json({ detail: "CUDA error: an illegal memory access was encountered" }, { status: 500 });
  return handler(request);
}

function foreverUntilKilled(process: VirtualProcess): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (process.signal.aborted) reject(process.signal.reason);
    process.signal.addEventListener("abort", () => reject(process.signal.reason));
  });
}
