import { copyText } from "../copy.ts";
import { type Child, h, picture } from "../dom.ts";
import { hardware } from "../machines/asked.ts";
import { controller, nodes } from "../state.ts";
import { Panel } from "./panel.ts";

/** What lets Spark Control in on a Spark. Last on its page: it is needed when a Spark is set up, and hardly ever after. */
export class MachineKey extends Panel {
  protected render(): Child | undefined {
    const known = controller.value;
    if (!known) return undefined;
    if (nodes.value.length === 0) return null;
    const line = hardware.value?.authorize_line;
    return h(
      "section",
      { class: "panel", "aria-labelledby": this.idOf("h") },
      h(
        "div",
        { class: "set" },
        h(
          "div",
          {},
          h("h2", { id: this.idOf("h") }, "Spark Control's public key"),
          h("p", { class: "dim" }, "For a new Spark, or one that refuses Spark Control. It may be seen by anyone."),
        ),
        h(
          "div",
          {},
          line !== undefined && [
            h("p", { class: "dim" }, "This line, pasted on the Spark, lets Spark Control in:"),
            copyable(line, "line that lets Spark Control in"),
          ],
          h("p", { class: "dim" }, "The key alone, for ~/.ssh/authorized_keys of the user on each Spark:"),
          copyable(known.publicKey, "public key of Spark Control"),
        ),
      ),
    );
  }

  protected override act(name: string, origin: HTMLElement): void {
    if (name === "copy") void copyText(origin.dataset.text ?? "", origin);
  }
}

function copyable(text: string, label: string): Child {
  return h(
    "div",
    { class: "keyline" },
    h("code", {}, text),
    h(
      "button",
      { class: "btn sm", type: "button", "data-act": "copy", "data-text": text, "aria-label": `Copy: ${label}` },
      picture("i-copy"),
      "Copy",
    ),
  );
}

declare global {
  interface HTMLElementTagNameMap {
    "machine-key": MachineKey;
  }
}
