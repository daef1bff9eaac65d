import { type Child, h } from "../dom.ts";
import { connection, controller } from "../state.ts";
import { Panel } from "./panel.ts";
import { pill } from "./pill.ts";

/** In the header: whether what the page shows is live. */
export class ConnectionState extends Panel {
  protected render(): Child {
    const { state } = connection.value;
    const version = controller.value?.version;
    return [
      h("span", { class: "dim", "data-key": "version" }, version === undefined ? "" : `Version ${version}`),
      h(
        "span",
        { role: "status", "data-key": "state" },
        state === "live" && pill("ok", "Live"),
        state === "connecting" && pill("unknown", "Connecting"),
        state === "lost" && pill("bad", "Not connected"),
      ),
    ];
  }
}
