/** Faults as text, for `SIM_FAULTS`: a JSON list of what `SimulatedFault` describes. */
import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { SimulatedFault } from "./faults.ts";

const Seconds = Type.Optional(Type.Number({ minimum: 0 }));
const Percent = Type.Number({ minimum: 0, maximum: 100 });
const common = {
  node: Type.Optional(Type.String()),
  times: Type.Optional(Type.Integer({ minimum: 1 })),
  at: Type.Optional(Type.Union([Type.Object({ weightsPercent: Percent }), Type.Literal("ready")])),
};
const one = <K extends SimulatedFault["kind"], P extends Parameters<typeof Type.Object>[0]>(kind: K, more?: P) =>
  Type.Object({ kind: Type.Literal(kind), ...common, ...(more as P) }, { additionalProperties: false });

const PLAIN = [
  "engine_core_failed",
  "killed_silently",
  "launch_exits_zero",
  "launch_script_missing",
  "image_missing",
  "worker_ssh_denied",
  "disk_full",
  "docker_stop_ineffective",
  "docker_denied",
  "gpu_missing",
  "files_of_root",
  "ssh_refused",
  "ssh_silent",
  "key_refused",
  "host_key_changed",
] as const;

const Faults = Type.Array(
  Type.Union([
    ...PLAIN.map((kind) => one(kind, {})),
    one("out_of_memory", {
      variant: Type.Optional(Type.Union([Type.Literal("allocation"), Type.Literal("free_memory")])),
    }),
    one("progress_stuck", { percent: Percent }),
    one("dies_after_ready", { seconds: Seconds }),
    one("container_name_taken", { container: Type.Optional(Type.String()) }),
    one("port_taken", { port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })) }),
    one("unreachable", {
      how: Type.Optional(Type.Union([Type.Literal("silent"), Type.Literal("reset")])),
      seconds: Seconds,
    }),
    one("reboot", { downSeconds: Seconds }),
    one("clock_off", { seconds: Type.Optional(Type.Number()) }),
    ...(
      ["service_dies", "service_fails", "service_silent", "service_update_denied", "service_update_stuck"] as const
    ).map((kind) => one(kind, { service: Type.String() })),
  ]),
);

/** @returns null when the text is not such a list */
export function readFaults(text: string): readonly SimulatedFault[] | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  return Value.Check(Faults, value) ? (value as readonly SimulatedFault[]) : null;
}
