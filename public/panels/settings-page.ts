import { fetchHostKeys, fetchRefusedHosts, type HostKeyStatus, type RefusedHost } from "../api.ts";
import { quarterMinute } from "../clock.ts";
import { copyText } from "../copy.ts";
import { type Child, h, picture } from "../dom.ts";
import { clockTime } from "../format.ts";
import { place } from "../router.ts";
import { allowName, undo } from "../settings/desk.ts";
import { diagnostics, saveClicked } from "../settings/diagnostics.ts";
import { refusedNames } from "../settings/refused-names.ts";
import { controller, nodes } from "../state.ts";
import { signal } from "../store.ts";
import { chooseTheme, THEMES, theme } from "../theme-choice.ts";
import { acceptKeyQuestion, takeOverQuestion } from "./key-questions.ts";
import { Panel } from "./panel.ts";

/** What can be set in the browser, what is set elsewhere and how, and who the Sparks are. */
export class SettingsPage extends Panel {
  #keys = signal<readonly HostKeyStatus[] | null>(null);
  #refused = signal<readonly RefusedHost[] | null>(null);
  /** The name that was allowed last on this page. */
  #allowed = signal<string | null>(null);
  /** What the lists were asked for: they have no event. */
  #askedFor: unknown[] = [];

  override connectedCallback(): void {
    super.connectedCallback();
    this.addEventListener("click", saveClicked);
    this.addEventListener("change", ({ target }) => {
      if (!(target instanceof HTMLInputElement) || target.name !== "theme") return;
      const chosen = THEMES.find(({ id }) => id === target.value);
      if (chosen) chooseTheme(chosen.id);
    });
    this.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!(event.target instanceof HTMLFormElement)) return;
      const form = new FormData(event.target);
      takeOverQuestion({ node: String(form.get("node")), instance: String(form.get("instance")).trim() });
    });
  }

  protected render(): Child | undefined {
    const known = controller.value;
    if (!known) return undefined;
    this.#refresh();
    return [
      this.#panel(
        "SSH",
        set(
          "Public key",
          "Add it to ~/.ssh/authorized_keys of the user on each Spark.",
          h(
            "div",
            { class: "keyline" },
            h("code", {}, known.publicKey),
            h(
              "button",
              { class: "btn sm", type: "button", "data-act": "copy", "data-text": known.publicKey },
              picture("i-copy"),
              "Copy",
            ),
          ),
        ),
        set("The Sparks' identities", "Pinned at the first connection; another one is refused.", this.#identities()),
        nodes.value.length > 0 &&
          set(
            "Take over a Spark",
            "Each Spark obeys one Spark Control. A refused swap shows the number of the other one.",
            this.#takeOver(),
          ),
      ),
      this.#panel(
        "Addresses",
        set(
          "This page",
          "Where it is open now.",
          h("p", {}, h("code", {}, location.origin)),
          h("p", { class: "dim" }, allowedNames),
        ),
        set(
          "Refused names",
          "Names under which someone tried to open it.",
          refusedNames(this.#refused.value, this.#allowed.value),
        ),
      ),
      this.#panel("Appearance", set("Theme", "Kept in this browser.", this.#theme())),
      this.#panel(
        "This browser",
        set(
          "On plain HTTP",
          "What a browser allows on HTTPS and localhost only.",
          h("ul", { class: "plain" }, ...abilities().map((each) => h("li", {}, each))),
        ),
      ),
      this.#panel(
        "About",
        set("Version", "", h("p", {}, known.version, known.simulated && ", simulated cluster")),
        set(
          "Diagnostics",
          "States, problems and the last swaps, as text to pass on when you ask for help.",
          diagnostics(),
        ),
        set(
          "API",
          "Everything that this page does, for programs.",
          h(
            "p",
            {},
            h("a", { href: "/docs" }, "Try it out"),
            ", ",
            h("a", { href: "/openapi.json" }, "OpenAPI document"),
          ),
        ),
      ),
    ];
  }

  #panel(name: string, ...content: Child[]): Child {
    const id = this.idOf(name);
    return h(
      "section",
      { class: "panel", "data-key": name, "aria-labelledby": id },
      h("header", { class: "panel-head" }, h("h2", { id }, name)),
      content,
    );
  }

  #theme(): Child {
    return h(
      "div",
      { role: "radiogroup", "aria-label": "Theme" },
      h(
        "div",
        { class: "choice" },
        ...THEMES.map(({ id, label }) =>
          h(
            "label",
            {},
            h("input", { type: "radio", name: "theme", value: id, checked: theme.value === id }),
            h("span", {}, label),
          ),
        ),
      ),
    );
  }

  #identities(): Child {
    const keys = this.#keys.value;
    if (keys === null || keys.length === 0) return h("p", { class: "dim" }, "–");
    return h(
      "ul",
      { class: "plain" },
      ...keys.map(({ node, fingerprint, refused_fingerprint: shown, pinned_at: at }) =>
        h(
          "li",
          { "data-key": node },
          h("b", {}, node),
          h("div", { class: "keyline" }, h("code", {}, fingerprint ?? "not connected to yet")),
          at !== null && h("p", { class: "dim" }, `since ${clockTime(at, quarterMinute.value)}`),
          shown !== null && [
            h("p", { class: "why", "data-tone": "bad" }, picture("g-bad"), "It shows another one now, and is refused:"),
            h(
              "div",
              { class: "keyline" },
              h("code", {}, shown),
              h(
                "button",
                { class: "btn sm", type: "button", "data-act": "accept", "data-node": node },
                `Accept the new one of ${node}…`,
              ),
            ),
          ],
        ),
      ),
    );
  }

  #takeOver(): Child {
    return h(
      "form",
      { class: "take-over" },
      h(
        "label",
        { class: "field" },
        "Spark",
        h("select", { name: "node" }, ...nodes.value.map(({ name }) => h("option", { value: name }, name))),
      ),
      h(
        "label",
        { class: "field" },
        "Number of the other Spark Control",
        h("input", {
          type: "text",
          name: "instance",
          required: true,
          maxlength: 64,
          pattern: "[0-9a-fA-F\\-]+",
          autocomplete: "off",
          spellcheck: "false",
        }),
      ),
      h("button", { class: "btn", type: "submit" }, "Take over…"),
    );
  }

  /** Asked for each time the page is opened, and when a Spark changes. */
  #refresh(again = false): void {
    const reason = [place.value, nodes.value];
    if (!again && reason.every((each, at) => each === this.#askedFor[at])) return;
    this.#askedFor = reason;
    const ignore = () => undefined;
    fetchHostKeys().then(({ host_keys: keys }) => {
      this.#keys.value = keys;
    }, ignore);
    fetchRefusedHosts().then(({ refused_hosts: refused }) => {
      this.#refused.value = refused;
    }, ignore);
  }

  protected override act(name: string, origin: HTMLElement): void {
    if (name === "copy") void copyText(origin.dataset.text ?? "", origin);
    if (name === "undo") void undo();
    if (name === "allow") {
      this.#allowed.value = origin.dataset.name ?? null;
      void allowName(origin.dataset.name ?? "");
    }
    const key = this.#keys.value?.find(({ node }) => node === origin.dataset.node);
    if (name === "accept" && key) acceptKeyQuestion(key, () => this.#refresh(true));
  }
}

const allowedNames =
  "Always allowed: IP addresses, localhost, single names, and names that end in .local, .onion or .startos. Any other name must be allowed, so that no web page can reach Spark Control under a name of its own.";

function set(name: string, help: string, ...content: Child[]): Child {
  return h(
    "div",
    { class: "set", "data-key": name },
    h("div", {}, h("b", {}, name), help !== "" && h("span", { class: "dim" }, help)),
    h("div", {}, content),
  );
}

/** What this browser, at this address, can and cannot do. */
function abilities(): string[] {
  const secure = isSecureContext;
  return [
    secure
      ? "This address counts as secure: nothing is missing."
      : "This address is plain HTTP on the network. All of Spark Control works; these differ:",
    ...(secure
      ? []
      : [
          "Copy buttons use an older way of the browser. Where it is blocked too, the text is selected for Ctrl C.",
          "The page cannot be installed as an app. A bookmark on the home screen does the same.",
          "The browser shows no notifications. The title of the tab tells how far a swap is.",
        ]),
  ];
}
