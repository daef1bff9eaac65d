/** The page by the names that people read, for tests that go through it. */
import type { Locator, Page } from "playwright-core";

export const live = (page: Page): Locator => page.getByRole("status").getByText("Live", { exact: true });
export const lost = (page: Page): Locator => page.getByRole("alert").getByText("No connection to Spark Control since");
export const progressOf = (page: Page, model: string): Locator =>
  page.getByRole("progressbar", { name: `Progress of ${model}` });
/** Of a question and of the buttons that lead to it: what is not on the disks is downloaded first. */
const swapTo = (model: string, end = ""): RegExp =>
  new RegExp(`^(Swap|Download and swap) to ${RegExp.escape(model + end)}$`);
export const swapButton = (page: Page, model: string): Locator => page.getByRole("button", { name: swapTo(model) });
export const swapDialog = (page: Page, model: string): Locator =>
  page.getByRole("dialog", { name: swapTo(model, "?") });
export const logOf = (page: Page): Locator => page.getByRole("log", { name: "Log of the swap" });
export const heading = (page: Page, name: string): Locator => page.getByRole("heading", { name, exact: true });

/** From the list of models through the plan to a swap that has begun. */
export async function startSwap(page: Page, model: string): Promise<void> {
  await swapButton(page, model).click();
  const dialog = swapDialog(page, model);
  await dialog.getByRole("button", { name: swapTo(model) }).click();
  await dialog.waitFor({ state: "hidden" });
}
