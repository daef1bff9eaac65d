import { type Child, h, picture } from "../dom.ts";
import { connection, controller } from "../state.ts";
import { Panel } from "./panel.ts";

const WORDS = {
  live: ["ok", "Live"],
  connecting: ["unknown", "Connecting"],
  lost: ["bad", "Not connected"],
} as const;

/** At the foot of the rail: whether what the page shows is live. */
export class ConnectionState extends Panel {
  protected render(): Child {
    const [tone, word] = WORDS[connection.value.state];
    const version = controller.value?.version;
    return [
      h("p", { class: "live", "data-tone": tone, role: "status" }, picture(`g-${tone}`), h("span", {}, word)),
      h("p", { class: "dim" }, h("span", {}, `Version ${version ?? "–"}`)),
    ];
  }
}
