import { FileHelper, z } from "@start9labs/start-sdk";
import { sdk } from "../sdk";

/** The receiver that Configure Sparks sets; the daemon gets it as environment. Further ones are set in the dashboard. */
const shape = z.object({ url: z.string().nullable().catch(null), secret: z.string().nullable().catch(null) });

export const webhookJson = FileHelper.json({ base: sdk.volumes.main, subpath: "startos-webhook.json" }, shape);
