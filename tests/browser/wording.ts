/** The page by the names that people read, for tests that go through it. */
import type { Locator, Page } from "playwright-core";

export const live = (page: Page): Locator => page.getByRole("status").getByText("Live", { exact: true });
export const lost = (page: Page): Locator => page.getByRole("alert").getByText("No connection to Spark Control since");
export const progressOf = (page: Page, model: string): Locator =>
  page.getByRole("progressbar", { name: `Progress of ${model}` });
export const swapButton = (page: Page, model: string): Locator =>
  page.getByRole("button", { name: `Swap to ${model}`, exact: true });
export const logOf = (page: Page): Locator => page.getByRole("log", { name: "Log of the swap" });
export const heading = (page: Page, name: string): Locator => page.getByRole("heading", { name, exact: true });

/** From the list of models through the plan to a swap that has begun. */
export async function startSwap(page: Page, model: string): Promise<void> {
  await swapButton(page, model).click();
  const dialog = page.getByRole("dialog", { name: `Swap to ${model}?` });
  await dialog.getByRole("button", { name: `Swap to ${model}` }).click();
  await dialog.waitFor({ state: "hidden" });
}
