/** The text that somebody passes on who asks for help. Reads signals. */
import { Refused } from "../api.ts";
import { type Child, h, picture } from "../dom.ts";
import { send } from "../fields-refused.ts";
import { signal } from "../store.ts";

const PATH = "/api/diagnostics";
const FILE = "spark-control-diagnostics.txt";
/** How long the browser may take to read what it saves. */
const KEPT_MS = 60_000;

type Outcome = "saved" | { readonly why: string };

const outcome = signal<Outcome | null>(null);

/** A plain link; what it does when it is clicked is in `saveClicked`. */
export function diagnostics(): Child {
  return [
    h(
      "p",
      {},
      h(
        "a",
        { class: "btn", href: PATH, download: FILE, "data-diagnostics": true },
        picture("i-download"),
        "Download diagnostics",
      ),
    ),
    told(outcome.value),
    h(
      "p",
      { class: "dim" },
      "No secrets and no prompts: keys, tokens and passwords that are known, or look like it, are left out. Addresses and names of your network are in it: read it before you pass it on.",
    ),
  ];
}

function told(last: Outcome | null): Child {
  if (last === null) return null;
  if (last === "saved")
    return h(
      "p",
      { class: "setting-saved", role: "status" },
      picture("g-ok"),
      h("span", {}, `${FILE} was handed to the browser.`),
    );
  return h(
    "p",
    { class: "setting-wrong", role: "alert" },
    picture("g-bad"),
    h(
      "span",
      {},
      `${last.why} Try again once the top of the page says Live. If it does not get there, pass on the log instead: Logs of the service on StartOS, `,
      h("code", {}, "docker logs spark-control"),
      " elsewhere.",
    ),
  );
}

/** For clicks: fetches it itself, because a browser that fails to save a link does not tell the page. */
export function saveClicked(event: Event): void {
  const link = event.target instanceof Element ? event.target.closest("[data-diagnostics]") : null;
  if (link === null) return;
  event.preventDefault();
  void save();
}

async function save(): Promise<void> {
  outcome.value = null;
  try {
    const url = URL.createObjectURL(await (await send("GET", PATH)).blob());
    h("a", { href: url, download: FILE }).click();
    setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
    outcome.value = "saved";
  } catch (error) {
    const isCut = !(error instanceof Refused) || error.status === 0;
    outcome.value = { why: isCut ? "Spark Control cannot be reached." : error.message };
  }
}
