/** Machines: the Sparks, their hardware, their connection and their keys. */
import "../app.ts";
import { define } from "../define.ts";
import { MachineKey } from "../panels/machine-key.ts";
import { MachineList } from "../panels/machine-list.ts";
import { MachineReach } from "../panels/machine-reach.ts";

define({
  "machine-key": MachineKey,
  "machine-list": MachineList,
  "machine-reach": MachineReach,
});
