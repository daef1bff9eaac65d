/** The guided set-up of the first run: Address, Key, Check, Done. Shown while no Spark can be used. */
import { type Child, h, picture } from "../dom.ts";
import { checkView, verdictOf } from "../set-up/check-view.ts";
import { copyFrom, copyLine } from "../set-up/copy-line.ts";
import { Desk, resultKey } from "../set-up/desk.ts";
import { tryIt } from "../set-up/simulation.ts";
import { firstWrong, sparkFields } from "../set-up/spark-fields.ts";
import { STEP_KEY } from "../set-up/step-key.ts";
import { tryView } from "../set-up/try-view.ts";
import { controller, nodes } from "../state.ts";
import { signal } from "../store.ts";
import { Panel } from "./panel.ts";

const STEPS = ["Address", "Key", "Check", "Done"] as const;
type Step = (typeof STEPS)[number];

const DRAFT = "set-up-draft";

const HEADINGS: Readonly<Record<Step, string>> = {
  Address: "Where are your Sparks?",
  Key: "Let Spark Control in",
  Check: "Is everything there?",
  Done: "Saved",
};

/** Saved is what can be said at once; connected when it has been seen. */
function doneHeading(): string {
  const known = nodes.value;
  return known.length > 0 && known.every(({ state }) => state === "reachable") ? "Connected" : HEADINGS.Done;
}

export class SetUp extends Panel {
  readonly #desk = new Desk(DRAFT);
  readonly #step = signal<Step>(keptStep());
  /** Which cluster the settings were asked of; null: not asked. */
  #asked: boolean | null = null;
  /** There was an answer, or none is to be had: what is offered beside the fields is known. */
  readonly #isAnswered = signal(false);

  override connectedCallback(): void {
    super.connectedCallback();
    this.addEventListener("input", this.#entered);
    this.addEventListener("submit", this.#submitted);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.removeEventListener("input", this.#entered);
    this.removeEventListener("submit", this.#submitted);
  }

  protected render(): Child | undefined {
    const known = controller.value;
    const step = this.#step.value;
    if (!known) return undefined;
    if (known.configured && step !== "Done") return null;
    if (this.#asked !== known.simulated) {
      this.#asked = known.simulated;
      queueMicrotask(() => {
        void this.#desk
          .load()
          .finally(() => {
            this.#isAnswered.value = true;
          })
          .then(() => this.#resume());
      });
    }
    if (!this.#isAnswered.value) return undefined;
    return h(
      "section",
      { class: "panel su", "aria-labelledby": "su-h" },
      h("header", { class: "su-head" }, h("h2", { id: "su-h" }, "Connect your Sparks"), stepper(step)),
      h("form", { class: "su-body", novalidate: true, "data-key": step }, this.#content(step)),
    );
  }

  protected override act(name: string, origin: HTMLElement): void {
    const desk = this.#desk;
    if (name === "copy") copyFrom(origin);
    if (name === "add") {
      desk.add();
      this.#focusSoon(() => [...this.querySelectorAll<HTMLElement>("input[name$='/host']")].at(-1) ?? null);
    }
    if (name === "remove") desk.remove(origin.dataset.spark ?? "");
    if (name === "back") this.#go(STEPS[Math.max(0, STEPS.indexOf(this.#step.value) - 1)] ?? "Address");
    if (name === "check") void desk.check();
    if (name === "save") void this.#save();
    if (name === "simulate") void tryIt();
    if (name === "close") this.#close();
    if (name === "confirm") {
      const result = desk.run.value.results.get(resultKey(origin.dataset.spark ?? "", "host_key"));
      if (result)
        void desk.confirm(result).then(() => this.#focusSoon(() => this.querySelector<HTMLElement>("#su-step-h")));
    }
  }

  readonly #entered = (event: Event): void => {
    if (event.target instanceof HTMLInputElement) this.#desk.enter(event.target.name, event.target.value);
  };

  readonly #submitted = (event: Event): void => {
    event.preventDefault();
    const step = this.#step.value;
    if (this.#desk.busy.value) return;
    if (step === "Address") void this.#leaveAddress();
    if (step === "Key") this.#check();
    if (step === "Check" && verdictOf(this.#desk.run.value).passed) void this.#save();
  };

  async #leaveAddress(): Promise<void> {
    if (await this.#desk.validate()) this.#go("Key");
    else this.#focusSoon(() => firstWrong(this));
  }

  #check(): void {
    this.#go("Check");
    void this.#desk.check();
  }

  async #save(): Promise<void> {
    if (await this.#desk.save()) this.#go("Done");
    else if (this.#desk.errors.value.size > 0) {
      this.#go("Address");
      this.#focusSoon(() => firstWrong(this));
    }
  }

  #close(): void {
    this.#desk.forget();
    sessionStorage.removeItem(STEP_KEY);
    this.#step.value = "Address";
    document.getElementById("main")?.focus();
  }

  /** After a reload in the middle: the checks are run again, what was found before may not hold. */
  #resume(): void {
    if (this.#step.value === "Check" && this.#desk.run.value.state === "none") void this.#desk.check();
  }

  #go(step: Step): void {
    this.#step.value = step;
    sessionStorage.setItem(STEP_KEY, step);
    this.#focusSoon(() => this.querySelector<HTMLElement>("#su-step-h"));
  }

  /** The element is there after the next rendering. */
  #focusSoon(find: () => HTMLElement | null): void {
    requestAnimationFrame(() => find()?.focus());
  }

  #content(step: Step): Child {
    const refusal = this.#desk.refusal.value;
    return [
      h("h3", { id: "su-step-h", class: "su-title", tabindex: -1 }, step === "Done" ? doneHeading() : HEADINGS[step]),
      step === "Address" && this.#address(),
      step === "Key" && this.#key(),
      step === "Check" && this.#checks(),
      step === "Done" && this.#done(),
      refusal !== null &&
        h("p", { class: "su-wrong", role: "alert", "data-key": "refusal" }, picture("g-bad"), h("span", {}, refusal)),
      this.#foot(step),
      step !== "Done" && this.#desk.setup.value?.simulation === "possible" && tryView(),
    ];
  }

  #address(): Child {
    return [
      h("p", { class: "lead" }, "One Spark is enough. With two, larger models run across both."),
      sparkFields(this.#desk, false),
    ];
  }

  #key(): Child {
    const setup = this.#desk.setup.value;
    const { sparks } = this.#desk.draft.value;
    const places = sparks.map(({ name, ssh_port: port }) => {
      const of = (field: "host" | "user") => this.#desk.valueOf(name, field);
      return `${port.trim() === "" ? "" : `-p ${port.trim()} `}${of("user")}@${of("host")}`;
    });
    return [
      h(
        "p",
        { class: "lead" },
        "Spark Control logs in with a key of its own; no password is stored. ",
        sparks.length === 1 ? "On the Spark, paste this line once:" : "On each Spark, paste this line once:",
      ),
      setup && copyLine(setup.authorize_line, "line that lets Spark Control in"),
      h(
        "p",
        { class: "dim" },
        "In a terminal on the Spark, or from your computer with ",
        ...places.flatMap((each, index) => [index > 0 ? " and " : "", h("code", {}, `ssh ${each}`)]),
        ". The line adds the key for that user and changes nothing else.",
      ),
    ];
  }

  #checks(): Child {
    return [h("p", { class: "lead" }, "Nothing on the Sparks is changed by looking."), checkView(this.#desk)];
  }

  #done(): Child {
    const names = nodes.value.filter(({ state }) => state !== "misconfigured").map(({ name }) => name);
    const away = nodes.value.filter(({ state }) => state === "unreachable");
    const what =
      names.length === 0 ? "The Sparks are" : names.length === 1 ? `${names[0]} is` : `${names.join(" and ")} are`;
    return [
      h(
        "p",
        { class: "lead" },
        `${what} saved. Spark Control looks at ${names.length === 1 ? "it" : "them"} from now on.`,
      ),
      ...away.map(({ name, reason }) =>
        h(
          "p",
          { class: "su-wrong", "data-key": name },
          picture("g-bad"),
          h("span", {}, `${name} cannot be used yet. ${reason ?? ""} `, "Check the Sparks again in Settings."),
        ),
      ),
      h(
        "p",
        {},
        "Next, pick a model: it is loaded with one click, and you see what that does before it happens. Addresses and folders can be changed later in Settings.",
      ),
    ];
  }

  #foot(step: Step): Child {
    const { busy, run } = this.#desk;
    const isRunning = run.value.state === "running";
    const { passed, unconfirmed } = verdictOf(run.value);
    const back = h("button", { class: "btn", type: "button", "data-act": "back" }, "Back");
    if (step === "Address")
      return foot(h("button", { class: "btn primary", type: "submit", disabled: busy.value }, "Continue"));
    if (step === "Key")
      return foot(back, h("button", { class: "btn primary", type: "submit" }, "I have pasted it: check"));
    if (step === "Done")
      return foot(h("button", { class: "btn primary", type: "button", "data-act": "close" }, "Close"));
    const again = h(
      "button",
      { class: passed ? "btn" : "btn primary", type: "button", "data-act": "check", disabled: isRunning || busy.value },
      "Check again",
    );
    const save = (primary: boolean, word: string, disabled: boolean) =>
      h(
        "button",
        {
          class: primary ? "btn primary" : "btn",
          type: primary ? "submit" : "button",
          "data-act": primary ? null : "save",
          disabled,
          "aria-describedby": disabled ? "su-why" : null,
        },
        word,
      );
    if (passed) return foot(back, again, save(true, "Save", busy.value));
    const why = isRunning
      ? "The checks are running."
      : unconfirmed > 0
        ? "An identity must be compared before it can be saved."
        : "It can be saved as it is; what failed stays in the way until it is mended.";
    return foot(
      back,
      h("span", { id: "su-why", class: "su-why" }, why),
      save(false, "Save anyway", isRunning || busy.value || unconfirmed > 0),
      again,
    );
  }
}

function keptStep(): Step {
  const kept = STEPS.find((step) => step === sessionStorage.getItem(STEP_KEY));
  return kept ?? "Address";
}

function foot(...children: Child[]): Child {
  return h("div", { class: "su-foot", "data-key": "foot" }, ...children);
}

function stepper(now: Step): Child {
  const at = STEPS.indexOf(now);
  return h(
    "ol",
    { class: "su-steps", "aria-label": "Steps" },
    ...STEPS.map((step, index) =>
      h(
        "li",
        { "data-s": index < at ? "done" : index === at ? "now" : "todo", "aria-current": index === at ? "step" : null },
        index < at ? picture("g-done") : h("span", { class: "su-no", "aria-hidden": "true" }, index + 1),
        step,
        index < at && h("span", { class: "vh" }, ", done"),
      ),
    ),
  );
}
