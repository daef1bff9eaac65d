import { type Child, h } from "../dom.ts";
import { controller } from "../state.ts";
import { Panel } from "./panel.ts";

const EXAMPLE = `nodes:
  - name: spark-1
    host: 10.77.0.11
    user: alice
  - name: spark-2
    host: 10.77.0.12
    user: alice
`;

/** With no Spark that can be used: what to write where. */
export class SetUp extends Panel {
  protected render(): Child {
    const known = controller.value;
    if (!known || known.configured) return null;
    return h(
      "section",
      { class: "panel setup", "aria-labelledby": "setup-h" },
      h("h2", { id: "setup-h" }, "Connect your Sparks"),
      h("p", { class: "dim" }, "No Spark can be used yet. Until then nothing is served, and swaps are refused."),
      h(
        "ol",
        {},
        h(
          "li",
          {},
          h("h3", {}, "Let Spark Control in"),
          h(
            "p",
            {},
            "On each Spark, add this line to ",
            h("code", {}, "~/.ssh/authorized_keys"),
            " of the user that runs the models:",
          ),
          h("pre", { tabindex: 0, "aria-label": "Public key of Spark Control" }, h("code", {}, known.publicKey)),
        ),
        h(
          "li",
          {},
          h("h3", {}, "Say where they are"),
          h(
            "p",
            {},
            "Write ",
            h("code", {}, "topology.yaml"),
            " into the data folder of Spark Control, with your addresses and users:",
          ),
          h("pre", { tabindex: 0, "aria-label": "Example of topology.yaml" }, h("code", {}, EXAMPLE)),
          h(
            "p",
            {},
            "Or set the environment variables ",
            h("code", {}, "SPARK1_HOST"),
            " and ",
            h("code", {}, "SPARK1_USER"),
            " (and ",
            h("code", {}, "SPARK2_HOST"),
            ", ",
            h("code", {}, "SPARK2_USER"),
            ") and start Spark Control again.",
          ),
        ),
        h(
          "li",
          {},
          h("h3", {}, "That is all"),
          h("p", {}, "The file is read as soon as it is saved. This page shows the Sparks then."),
        ),
      ),
    );
  }
}
