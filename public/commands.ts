/** What the palette offers: pages, models, actions. Reads signals. The dialogs that it opens came with it. */
import { fitOf } from "./fits.ts";
import { about, gbOfGib, joined } from "./format.ts";
import { PAGES, type Page } from "./pages.ts";
import { navigate } from "./router.ts";
import { models, running, slots, swapObstacle } from "./state.ts";
import { chooseTheme, THEMES, theme } from "./theme-choice.ts";

export interface Command {
  readonly id: string;
  readonly group: "Go to" | "Swap to" | "Do";
  readonly icon: string;
  readonly label: string;
  readonly detail: string;
  /** Other words that find it. */
  readonly also: string;
  /** Why it cannot be done now; null when it can. */
  readonly obstacle: string | null;
  readonly run: () => void;
}

export function allCommands(): Command[] {
  return [...modelCommands(), ...pageCommands(), ...actions()];
}

/** @param slot where the swap is wanted */
export function modelCommands(slot?: string): Command[] {
  const obstacle = swapObstacle(slot)?.reason ?? null;
  return models.value.map((model) => {
    const { verdict, left_gib: left, reason } = fitOf(model);
    const there = slots.value.find((each) => each.model === model.key && each.state === "serving");
    const time = model.load_seconds_estimate === null ? null : about(model.load_seconds_estimate);
    const fits = {
      fits: left === null ? "fits" : `${gbOfGib(left)} GB left`,
      tight: "tight",
      does_not_fit: model.not_now === null ? "does not fit" : "not now",
      unknown: null,
    };
    const cannot = verdict === "does_not_fit" ? reason : there ? "It is serving now." : obstacle;
    return {
      id: `swap-${model.key}`,
      group: "Swap to",
      icon: "i-swap",
      label: model.name,
      detail: there ? "serving" : joined(time, fits[verdict]),
      also: [model.key, model.repo, model.local_path, ...model.aliases].join(" "),
      obstacle: cannot,
      run: () => document.querySelector("swap-dialog")?.ask(model.key, slot),
    };
  });
}

function pageCommands(): Command[] {
  return (PAGES as readonly Page[]).flatMap(({ id, path, title, rail }) =>
    rail === null
      ? []
      : [
          {
            id: `page-${id}`,
            group: "Go to" as const,
            icon: rail.icon,
            label: title,
            detail: `g ${rail.key}`,
            also: "page",
            obstacle: null,
            run: () => void navigate(path),
          },
        ],
  );
}

function actions(): Command[] {
  const themes = THEMES.filter(({ id }) => id !== theme.value).map(({ id, label }) =>
    action(`theme-${id}`, "i-theme", `Theme: ${label.toLowerCase()}`, "", "dark light colour", () => chooseTheme(id)),
  );
  const cancels = running.value.map((job) =>
    action(`log-${job.job_id}`, "i-log", `Follow the swap to ${job.model_name}`, "", "log progress", () => {
      void navigate(`/activity/${job.job_id}`);
    }),
  );
  return [
    ...cancels,
    ...themes,
    action("keys", "i-info", "List of shortcuts", "?", "keyboard help", () =>
      document.querySelector("shortcut-list")?.show(),
    ),
    action("api", "i-arrow", "API, to try out", "", "swagger docs openapi", () => location.assign("/docs")),
  ];
}

const action = (id: string, icon: string, label: string, detail: string, also: string, run: () => void): Command => ({
  id,
  group: "Do",
  icon,
  label,
  detail,
  also,
  obstacle: null,
  run,
});

/** Those in which every word occurs, the better ones first. */
export function matching(commands: readonly Command[], query: string): Command[] {
  const words = query
    .trim()
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  const scored = commands.flatMap((command) => {
    const label = command.label.toLowerCase();
    const all = `${label} ${command.also.toLowerCase()} ${command.group.toLowerCase()}`;
    if (!words.every((word) => all.includes(word))) return [];
    const starts = words.filter((word) => label.startsWith(word) || label.includes(` ${word}`)).length;
    return [{ command, score: starts }];
  });
  return scored.toSorted((a, b) => b.score - a.score).map(({ command }) => command);
}
