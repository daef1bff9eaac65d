/**
 * What comes true a moment after what it follows from: panels render in turns of their own, the focus moves with the next
 * frame. Each waits for it, and throws what was awaited.
 */
import type { Locator } from "playwright-core";
import { until } from "../support/until.ts";

const DEADLINE_MS = 45_000;

const also = (it: Locator, selector: string): Promise<void> => it.and(it.page().locator(selector)).waitFor();

export const hasFocus = (it: Locator): Promise<void> => also(it, ":focus");
export const canBePressed = (it: Locator): Promise<void> => also(it, ":enabled");
export const cannotBePressed = (it: Locator): Promise<void> => also(it, ":disabled");
export const isInvalid = (it: Locator): Promise<void> => also(it, '[aria-invalid="true"]');
/** Of a field. */
export const holds = (it: Locator, text: string): Promise<void> =>
  until(`the field holds ${JSON.stringify(text)}`, async () => (await it.inputValue()) === text, DEADLINE_MS);
