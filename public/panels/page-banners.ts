import type { Problem } from "../api.ts";
import { type Child, h, picture } from "../dom.ts";
import { clockSeconds, plural } from "../format.ts";
import { connection, controller, outdated, problems } from "../state.ts";
import { Panel } from "./panel.ts";

/** What concerns the whole page: no connection, an old page, configuration problems, the simulated cluster. */
export class PageBanners extends Panel {
  protected render(): Child {
    const { state, since } = connection.value;
    return [
      state === "lost" &&
        banner("lost", "i-cut", "alert", [
          h("strong", {}, `No connection to Spark Control since ${clockSeconds(since)}.`),
          " What you see may have changed. The model is not affected. Trying again every few seconds.",
        ]),
      outdated.value &&
        banner("warn", "i-alert", "note", "Spark Control was updated. Reload to see the new version.", {
          button: h("button", { class: "btn", type: "button", "data-act": "reload" }, "Reload"),
        }),
      problems.value.length > 0 && problemBanner(problems.value),
      controller.value?.simulated &&
        banner("sim", "i-sim", "note", [
          h("strong", {}, "This is a simulated cluster."),
          " Two made-up Sparks, so that you can try everything. Nothing here touches a real machine.",
        ]),
    ];
  }

  protected override act(name: string): void {
    if (name === "reload") location.reload();
  }
}

function banner(kind: string, icon: string, role: string, text: Child, { button }: { button?: Child } = {}): Child {
  const attributes = { class: "banner", "data-kind": kind, "data-key": kind, role };
  return h("div", attributes, picture(icon), h("div", {}, text), button);
}

function problemBanner(all: readonly Problem[]): Child {
  const count = all.length === 1 ? "One setting" : plural(all.length, "setting");
  return banner("warn", "i-alert", "note", [
    h("strong", {}, `${count} could not be used.`),
    h("ul", {}, ...all.map((each) => h("li", {}, h("code", {}, place(each)), ` ${each.message} ${each.instead}`))),
  ]);
}

function place({ source, line, path }: Problem): string {
  const file = line === null ? source : `${source}, line ${line}`;
  return path === "" ? `${file}:` : `${file}, ${path}:`;
}
