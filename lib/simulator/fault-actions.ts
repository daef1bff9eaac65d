/** Faults that do something to a host once, and how that is undone. */
import type { SimulatedFault } from "./faults.ts";
import { BOOT_SECONDS, type SimulatedSpark } from "./spark.ts";
import type { SshDoor } from "./ssh-door.ts";

const HOUR_SECONDS = 3600;
const FOREIGN_IMAGE = "nginx";

export interface FaultTarget {
  readonly spark: SimulatedSpark;
  readonly door: SshDoor;
  /** Port and container of the slot. */
  readonly port: number;
  readonly container: string;
}

/** @returns undoes it */
export function actOut(fault: SimulatedFault, target: FaultTarget): () => void {
  const { spark, door } = target;
  switch (fault.kind) {
    case "ssh_refused":
      void door.refuse(true);
      return () => void door.refuse(false);
    case "host_key_changed":
      spark.rotateHostKey();
      return () => undefined;
    case "clock_off":
      spark.clockOffsetSeconds = fault.seconds ?? HOUR_SECONDS;
      return () => {
        spark.clockOffsetSeconds = 0;
      };
    case "unreachable": {
      spark.network.set(fault.how === "reset" ? "down" : "silent");
      const back = () => spark.network.set("up");
      const cancel = fault.seconds === undefined ? undefined : spark.scheduler.after(fault.seconds, back);
      return () => {
        cancel?.();
        back();
      };
    }
    case "reboot":
      spark.reboot(fault.downSeconds ?? BOOT_SECONDS);
      return () => undefined;
    case "service_dies": {
      const container = spark.docker.find(fault.service);
      if (container) spark.docker.kill(container);
      return () => undefined;
    }
    case "port_taken":
      return takePort(spark, fault.port ?? target.port);
    case "container_name_taken":
      return takeName(spark, fault.container ?? target.container);
    default:
      return () => undefined;
  }
}

/** A process that is not vLLM answers on the port. */
function takePort(spark: SimulatedSpark, port: number): () => void {
  const bound = spark.ports.bind(port);
  if (!bound) return () => undefined;
  bound.listen(() => new Response("<h1>Something else</h1>", { headers: { "content-type": "text/html" } }));
  return () => bound.release();
}

function takeName(spark: SimulatedSpark, name: string): () => void {
  spark.docker.addImage(FOREIGN_IMAGE);
  const outcome = spark.docker.run({
    name,
    image: FOREIGN_IMAGE,
    argv: ["nginx", "-g", "daemon off;"],
    autoRemove: false,
    obeysTerm: true,
    main: (self) =>
      new Promise((_resolve, reject) => self.signal.addEventListener("abort", () => reject(self.signal.reason))),
  });
  return () => {
    if (outcome.kind === "started") spark.docker.remove(outcome.container);
  };
}
