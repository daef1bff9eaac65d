/** To the simulated cluster, and back. The process changes what it shows; the page notices through its stream. */
import { sentenceOf } from "../api.ts";
import { type Child, h } from "../dom.ts";
import { Panel } from "../panels/panel.ts";
import { refusal } from "../panels/sheet.ts";
import { controller } from "../state.ts";
import { effect, signal } from "../store.ts";
import { enterSimulated, fetchSetup, leaveSimulated } from "./calls.ts";

/** Where a switch stands; a sentence when it was refused. */
export const switching = signal<"no" | "under way" | { readonly refusal: string }>("no");

async function go(work: () => Promise<void>): Promise<void> {
  switching.value = "under way";
  try {
    await work();
  } catch (error) {
    switching.value = { refusal: sentenceOf(error) };
  }
}

export const tryIt = (): Promise<void> => go(enterSimulated);

/** Once the other cluster has come, the next switch starts anew. */
let shown: boolean | undefined;
effect(() => {
  const now = controller.value?.simulated;
  if (now === shown) return;
  shown = now;
  queueMicrotask(() => {
    switching.value = "no";
  });
});

export function refusalLine(): Child {
  const state = switching.value;
  return typeof state === "object" && refusal(state.refusal);
}

declare global {
  interface HTMLElementTagNameMap {
    "leave-simulated": LeaveSimulated;
  }
}

/** In the banner of the simulated cluster; empty where the process cannot leave it. */
export class LeaveSimulated extends Panel {
  readonly #canLeave = signal(false);
  #asked = false;

  protected render(): Child {
    const isSimulated = controller.value?.simulated ?? false;
    if (isSimulated && !this.#asked) {
      this.#asked = true;
      fetchSetup().then(
        ({ simulation }) => {
          this.#canLeave.value = simulation === "running";
        },
        () => {
          this.#asked = false;
        },
      );
    }
    if (!isSimulated || !this.#canLeave.value) return null;
    const isUnderWay = switching.value === "under way";
    return [
      h(
        "button",
        { class: "btn", type: "button", "data-act": "leave", disabled: isUnderWay },
        isUnderWay ? "Leaving…" : "Leave the simulated cluster",
      ),
      refusalLine(),
    ];
  }

  protected override act(name: string): void {
    if (name === "leave") void go(leaveSimulated);
  }
}
