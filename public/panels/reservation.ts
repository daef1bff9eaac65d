/** Reserving the GPUs, and giving them back: the questions, and who is meant. Reads signals. */
import { forceRelease, type Lock, release, renew, reserve, sentenceOf } from "../api.ts";
import { serverNow } from "../clock.ts";
import { type Child, h } from "../dom.ts";
import { clockTime, duration, listed, secondsBetween, waitingWords } from "../format.ts";
import { say } from "../say.ts";
import { keepOwn, lock, modelName, own, ownToken, running, schedule, secondsLeft, slots, waiting } from "../state.ts";

const DURATIONS = [
  [1_800, "30 min"],
  [3_600, "1 hour"],
  [7_200, "2 hours"],
  [14_400, "4 hours"],
] as const;
const LONGEST_SECONDS = 14_400;
const HOLDER = "holder";
const SECRET_BYTES = 24;

export function askToReserve(): void {
  const names = slots.value.flatMap(({ model_name: name }) => (name === null ? [] : [name]));
  // Kept for the whole dialog: the same click again after a lost answer gets the same reservation.
  const requestId = secret();
  document.querySelector("confirm-dialog")?.ask({
    title: names.length === 0 ? "Reserve the GPUs?" : `Keep ${listed(names)} in place?`,
    body: [
      h("p", { class: "lead" }, "Until it ends, nobody else can swap, stop or restart a model. This tab still can."),
      h(
        "label",
        { class: "field" },
        h("span", {}, "Who reserves? ", h("span", { class: "dim" }, "Others see this.")),
        h("input", {
          type: "text",
          name: "holder",
          autofocus: true,
          required: true,
          maxlength: 100,
          value: localStorage.getItem(HOLDER) ?? "",
          autocomplete: "off",
        }),
      ),
      h(
        "fieldset",
        { class: "field" },
        h("legend", {}, "For how long?"),
        h(
          "div",
          { class: "choice" },
          ...DURATIONS.map(([seconds, word]) =>
            h(
              "label",
              {},
              h("input", { type: "radio", name: "ttl", value: seconds, checked: seconds === 3_600 }),
              h("span", {}, word),
            ),
          ),
        ),
        h("p", { class: "dim" }, "It ends by itself, so it can never block the cluster for good."),
      ),
      h(
        "label",
        { class: "field" },
        h("span", {}, "What for? ", h("span", { class: "dim" }, "Others see this too.")),
        h("input", {
          type: "text",
          name: "note",
          maxlength: 500,
          placeholder: "For example: demo for Bob",
          autocomplete: "off",
        }),
      ),
      clashes(),
    ],
    keep: "Leave it free",
    go: "Reserve",
    async run(form) {
      const holder = String(form.get("holder")).trim();
      const note = String(form.get("note")).trim();
      const { token, ...granted } = await reserve({
        holder,
        ttl_seconds: Number(form.get("ttl")),
        request_id: requestId,
        ...(note === "" ? {} : { note }),
      });
      localStorage.setItem(HOLDER, holder);
      keepOwn({ generation: granted.generation, token });
      learn(granted);
    },
  });
}

/** What an answer tells; a later reservation may have been told already. */
function learn(granted: Lock): void {
  if ((lock.value?.generation ?? 0) <= granted.generation) lock.value = granted;
}

/** One more hour, for whoever reserved in this tab. */
export async function extendOwn(): Promise<void> {
  const token = ownToken();
  const held = lock.value;
  if (!token || !held) return;
  const hour = 3_600;
  const { token: next, ...granted } = await renew({ holder: held.holder, ttl_seconds: hour }, token);
  keepOwn({ generation: granted.generation, token: next });
  learn(granted);
  say(`Reserved until ${clockTime(granted.expires_at, serverNow())}.`);
}

export async function releaseOwn(): Promise<void> {
  const { value } = own;
  if (value) await release(value.token);
  keepOwn(null);
}

export function askToForce(): void {
  const held = lock.value;
  if (!held) return;
  const until = clockTime(held.expires_at, serverNow());
  const models = slots.value.flatMap(({ model_name: name }) => (name === null ? [] : [name]));
  const left = duration(Math.max(60, secondsLeft(held)));
  document.querySelector("confirm-dialog")?.ask({
    title: `Release the GPUs from ${held.holder}?`,
    body: [
      h(
        "p",
        { class: "lead" },
        held.note ? `${held.holder} is in the middle of “${held.note}”` : held.holder,
        models.length > 0
          ? ` ${held.note ? "and counts" : "counts"} on ${listed(models)} until ${until}. If you swap afterwards, `
          : ` has the GPUs until ${until}. Without them, `,
        h("b", {}, "its work fails part-way"),
        ".",
      ),
      h(
        "dl",
        { class: "facts" },
        fact(
          "At once",
          `Swap buttons work again, and for a minute nobody but you can reserve: programs that wait in line come after that. ${held.holder} can no longer swap or stop anything with its old token.`,
        ),
        waiting.value > 0 && fact("In line", waitingWords(waiting.value)),
        fact("Not touched", runningNow()),
        fact("Other way", `Wait ${left.replace(/ \d+ s$/, "")}; the reservation then ends by itself.`),
      ),
      h(
        "label",
        { class: "field" },
        h("span", {}, "Why? ", h("span", { class: "dim" }, `Kept on record, and sent to those who are told.`)),
        h("input", {
          type: "text",
          name: "reason",
          required: true,
          maxlength: 500,
          placeholder: "Such as: a demo at 15:00",
          autocomplete: "off",
        }),
      ),
    ],
    keep: "Leave it reserved",
    go: "Release the GPUs",
    danger: true,
    async run(form) {
      await forceRelease(held.generation, String(form.get("reason")).trim());
      // The next one may have been told already.
      if (lock.value?.generation === held.generation) lock.value = null;
    },
  });
}

function runningNow(): string {
  const [job] = running.value;
  if (job) return `The swap to ${job.model_name} goes on if it has begun to stop or start something; else it ends.`;
  const requests = slots.value.reduce((sum, slot) => sum + (slot.requests?.running ?? 0), 0);
  return `The model keeps running.${requests > 0 ? ` ${requests} requests go on.` : ""}`;
}

function clashes(): Child {
  const next = schedule.value?.runs.find(({ starts_at: at }) => secondsBetween(serverNow(), at) > 0);
  if (!next) return null;
  const model = next.model === null ? "" : `, with ${modelName(next.model)}`;
  const plan = `${next.title} by ${next.owner} at ${clockTime(next.starts_at, serverNow())}${model}`;
  const within = secondsBetween(serverNow(), next.starts_at) < LONGEST_SECONDS;
  return h(
    "dl",
    { class: "facts" },
    within
      ? fact("Planned", `${plan}. It cannot swap while this lasts.`)
      : fact("Clashes", `None. The next plan is ${plan}.`),
  );
}

const fact = (name: string, value: string): Child => h("div", {}, h("dt", {}, name), h("dd", {}, value));

/** `crypto.randomUUID` is not there on plain HTTP; this is. */
function secret(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}

/** The buttons of a reservation, wherever they stand. */
export function reservationAct(name: string): void {
  if (name === "reserve") askToReserve();
  if (name === "force") askToForce();
  const work = name === "extend" ? extendOwn() : name === "give-back" ? releaseOwn() : null;
  work?.catch((error) => say(sentenceOf(error)));
}
