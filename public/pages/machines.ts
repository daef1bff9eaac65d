/** Machines: the Sparks, their memory and their keys. */
import "../app.ts";
import { define } from "../define.ts";
import { MachineList } from "../panels/machine-list.ts";

define({
  "machine-list": MachineList,
});
