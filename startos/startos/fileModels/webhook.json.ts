import { FileHelper, z } from "@start9labs/start-sdk";
import { sdk } from "../sdk";

/**
 * The receiver that Configure Sparks sets. The controller takes it over live and makes it a webhook like any other, which the
 * dashboard edits; what became of it is written back, without the secret (lib/package-webhook.ts).
 */
const shape = z.object({
  url: z.string().nullable().catch(null),
  /** Only until it was taken over; null keeps the one that there is. */
  secret: z.string().nullable().catch(null),
  /** Not taken over yet. */
  wanted: z.boolean().catch(false),
});

export const webhookJson = FileHelper.json({ base: sdk.volumes.main, subpath: "startos-webhook.json" }, shape);

/** One that is empty, no JSON or no object counts as none: it must not keep a form from opening. */
export async function readWebhook(): Promise<{ webhook: z.infer<typeof shape> | null; isDamaged: boolean }> {
  try {
    return { webhook: await webhookJson.read().once(), isDamaged: false };
  } catch {
    return { webhook: null, isDamaged: true };
  }
}
