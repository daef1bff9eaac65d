import { sentenceOf } from "../api.ts";
import { copyText } from "../copy.ts";
import { type Child, h } from "../dom.ts";
import { plural } from "../format.ts";
import { place } from "../router.ts";
import { say } from "../say.ts";
import {
  actOn,
  cancelUpdate,
  checkService,
  fetchHidden,
  type Service,
  type ServiceAction,
  startUpdate,
} from "../services/calls.ts";
import { UpdateOutput } from "../services/update-output.ts";
import { ACTION_WORDS, asSlotsSay, consequence, countsOf } from "../services/words.ts";
import { botUpdates, connection, services, slots } from "../state.ts";
import { effect, signal } from "../store.ts";
import { Panel } from "./panel.ts";
import { serviceRow } from "./service-row.ts";
import { refusal } from "./sheet.ts";

/** What runs beside the models, and the slots themselves. */
export class ServiceList extends Panel {
  #open = signal<string | null>(null);
  /** Whose log is shown. */
  #logOf: string | null = null;
  #failed = signal<string | null>(null);
  #output = signal<readonly string[]>([]);
  #outputOf = new UpdateOutput((lines) => {
    this.#output.value = lines;
  });
  #hidden = signal<readonly string[]>([]);
  #listed: string | null = null;
  #stop: (() => void) | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    const stops = [effect(() => this.#askHidden()), effect(() => this.#followUpdate())];
    this.#stop = () => {
      for (const stop of stops) stop();
      this.#outputOf.follow(undefined);
    };
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stop?.();
  }

  protected render(): Child | undefined {
    if (services.value === null) return undefined;
    const all = asSlotsSay(services.value, slots.value);
    const failed = this.#failed.value;
    const open = this.#open.value;
    return h(
      "section",
      { class: "panel services", "aria-labelledby": this.idOf("h") },
      h(
        "header",
        { class: "panel-head" },
        h("h2", { id: this.idOf("h") }, "Services"),
        h("p", { class: "dim" }, connection.value.state === "lost" ? "when last seen" : countsOf(all)),
      ),
      failed !== null && h("div", { class: "pad", "data-key": "failed" }, refusal(failed)),
      all.length === 0
        ? h(
            "div",
            { class: "empty" },
            h(
              "p",
              {},
              "Nothing runs beside the models yet. ",
              h("a", { href: "/settings" }, "Add a service in Settings"),
            ),
          )
        : h(
            "ul",
            { class: "rows" },
            ...all.map((service) =>
              serviceRow(service, {
                isOpen: service.name === open,
                noLog: this.#noLog(service),
                update: botUpdates.value[service.name],
                output: this.#output.value,
              }),
            ),
          ),
      this.#hidden.value.length > 0 &&
        h(
          "p",
          { class: "pad dim", "data-key": "hidden" },
          `Hidden: ${this.#hidden.value.join(", ")}. `,
          h("a", { href: "/settings" }, "Show them again in Settings"),
        ),
    );
  }

  protected override act(name: string, origin: HTMLElement): void {
    const service = services.value?.find((each) => each.name === origin.dataset.name);
    if (!service) return;
    if (name === "copy") void copyText(service.url ?? "", origin);
    if (name === "more") this.#toggle(service);
    if (name === "start" || name === "stop" || name === "restart") this.#ask(service, name);
    if (name === "update") this.#askUpdate(service);
    if (name === "cancel-update") this.#do(() => cancelUpdate(service.name), "The update is being ended.");
    if (name === "check") this.#do(() => checkService(service.name), `${service.name} was checked.`);
  }

  /** What the commands of an update say, of the bot whose details are shown. */
  #followUpdate(): void {
    const open = place.value.page.id === "services" ? this.#open.value : null;
    this.#outputOf.follow(open === null ? undefined : botUpdates.value[open]);
  }

  /** When others are listed than before, others are hidden. */
  #askHidden(): void {
    if (place.value.page.id !== "services" || services.value === null) return;
    const listed = services.value.map(({ name }) => name).join();
    if (listed === this.#listed) return;
    this.#listed = listed;
    fetchHidden().then(
      (names) => {
        if (listed === this.#listed) this.#hidden.value = names;
      },
      () => {
        if (listed === this.#listed) this.#listed = null;
      },
    );
  }

  /** One that is shown stays, whatever happens to its Spark: what was read is still of use, and the log says why nothing comes. */
  #noLog({ name, not_possible: { logs } }: Service): string | null {
    if (name === this.#logOf) return null;
    if (name === this.#open.value && logs === null) this.#logOf = name;
    return logs;
  }

  #toggle({ name }: Service): void {
    this.#logOf = null;
    this.#open.value = this.#open.value === name ? null : name;
  }

  #ask(service: Service, action: ServiceAction): void {
    const [verb] = ACTION_WORDS[action];
    document.querySelector("confirm-dialog")?.ask({
      title: `${verb} ${service.name}?`,
      body: h("p", { class: "lead" }, consequence(service, action)),
      keep: "Leave it as it is",
      go: verb,
      danger: action === "stop",
      // It takes as long as it takes: the row tells how it goes, and what became of it.
      run: async () => {
        this.#do(async () => {
          const { cut_off } = await actOn(service.name, action);
          if (cut_off) say(`${plural(cut_off, "request")} still ran and ${cut_off === 1 ? "was" : "were"} cut off.`);
        }, null);
      },
    });
  }

  #askUpdate({ name }: Service): void {
    document.querySelector("confirm-dialog")?.ask({
      title: `Update ${name}?`,
      body: h(
        "p",
        { class: "lead" },
        "Its newest version is fetched, whatever was changed in its checkout is given up, and its container is built and started anew. The first step that fails ends it.",
      ),
      keep: "Leave it as it is",
      go: "Update",
      run: async () => {
        await startUpdate(name);
      },
    });
  }

  #do(work: () => Promise<unknown>, done: string | null): void {
    this.#failed.value = null;
    work().then(
      () => {
        if (done !== null) say(done);
      },
      (error) => {
        this.#failed.value = sentenceOf(error);
      },
    );
  }
}
