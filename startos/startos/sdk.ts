import { StartSdk } from "@start9labs/start-sdk";
import { manifest } from "./manifest";

/** Everything of StartOS that this package uses. */
export const sdk = StartSdk.of().withManifest(manifest).build(true);
