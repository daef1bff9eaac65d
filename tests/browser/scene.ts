/** What a scene is, and how the usual ones begin. */
import type { Page } from "playwright-core";
import type { Demo, DemoOptions } from "../support/demo.ts";

export interface Scene {
  readonly name: string;
  readonly demo?: DemoOptions;
  readonly path?: string;
  /** It takes minutes to make: for pictures only. */
  readonly isSlow?: true;
  /** What happens before the page is opened; it may say which path to open. */
  readonly before?: (demo: Demo) => Promise<string | undefined>;
  /** What is done on the page, and waited for. */
  readonly on?: (page: Page, demo: Demo) => Promise<void>;
}

/** An entry of models-overrides.yaml. */
export const entry = (key: string, name: string, more = "") =>
  `  ${key}: { name: ${JSON.stringify(name)}, repo: example/${key}, size_gb: 14, gpu_memory_utilization: 0.4${more} }\n`;

export const serving = async (demo: Demo): Promise<undefined> => void (await demo.swap("gpt-oss-20b"));
