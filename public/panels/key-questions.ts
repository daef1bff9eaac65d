/** The two questions about who a Spark is, and whom it obeys. */
import { acceptHostKey, type HostKeyStatus, takeOver } from "../api.ts";
import { h } from "../dom.ts";
import type { Foreign } from "../foreign.ts";
import { say } from "../say.ts";

export function acceptKeyQuestion(
  { node, fingerprint, refused_fingerprint: shown }: HostKeyStatus,
  done: () => void,
): void {
  if (shown === null) return;
  document.querySelector("confirm-dialog")?.ask({
    title: `Accept the new identity of ${node}?`,
    body: [
      h(
        "p",
        { class: "lead" },
        `${node} shows another identity than last time. If you reinstalled it, accept the new one; if not, stop here: `,
        h("b", {}, "somebody may stand in between"),
        ".",
      ),
      h(
        "dl",
        { class: "facts" },
        h("div", {}, h("dt", {}, "Known"), h("dd", {}, h("code", {}, fingerprint ?? "–"))),
        h("div", {}, h("dt", {}, "Shown now"), h("dd", {}, h("code", {}, shown))),
        h(
          "div",
          {},
          h("dt", {}, "Compare"),
          h("dd", {}, "On the Spark itself:", h("code", {}, "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub")),
        ),
      ),
    ],
    keep: "Keep refusing it",
    go: "Accept the new identity",
    danger: true,
    async run() {
      await acceptHostKey(node, shown);
      say(`The new identity of ${node} is accepted.`);
      done();
    },
  });
}

export function takeOverQuestion({ node, instance }: Foreign, done: () => void = () => undefined): void {
  document.querySelector("confirm-dialog")?.ask({
    title: `Take over ${node}?`,
    body: [
      h(
        "p",
        { class: "lead" },
        `${node} obeys another Spark Control. Taken over, it obeys this one, and `,
        h("b", {}, "the other one can no longer start or stop models there"),
        ".",
      ),
      h(
        "dl",
        { class: "facts" },
        h(
          "div",
          {},
          h("dt", {}, "Do it when"),
          h("dd", {}, "the other one is gone for good, or its data are a copy of these."),
        ),
        h("div", {}, h("dt", {}, "Not touched"), h("dd", {}, "What runs on the Spark goes on.")),
        h("div", {}, h("dt", {}, "The other"), h("dd", {}, h("code", {}, instance))),
      ),
    ],
    keep: "Leave it with the other",
    go: `Take over ${node}`,
    danger: true,
    async run() {
      await takeOver(node, instance);
      say(`${node} obeys this Spark Control now.`);
      done();
    },
  });
}
