import { FileHelper, z } from "@start9labs/start-sdk";
import { sdk } from "../sdk";

/** Names under which StartOS makes the dashboard reachable; the controller reads it live (its Host rule). */
export const hostsJson = FileHelper.json(
  { base: sdk.volumes.main, subpath: "hosts.json" },
  z.array(z.string()).catch([]),
);
