import { sentenceOf } from "../api.ts";
import { type Child, h, morph } from "../dom.ts";
import { focusTitle, refusal, sheet, title } from "./sheet.ts";

export interface Question {
  readonly title: string;
  readonly body: Child;
  /** The harmless answer. */
  readonly keep: string;
  readonly go: string;
  readonly danger?: boolean;
  /** What the answer does; what it throws is shown, and the dialog stays. */
  readonly run: (form: FormData) => Promise<void>;
}

/** Asks before anything that cannot be taken back lightly. Esc and the focus are on the harmless answer. */
export class ConfirmDialog extends HTMLElement {
  #parts = sheet("confirm-h", "narrow");
  #round = 0;

  connectedCallback(): void {
    // What is missing is said in the dialog, in its own words.
    this.#parts.dialog.querySelector("form")?.setAttribute("novalidate", "");
    this.append(this.#parts.dialog);
  }

  ask(question: Question): void {
    const { dialog, head, body, foot } = this.#parts;
    const round = ++this.#round;
    const go = h("button", { class: question.danger ? "btn danger" : "btn primary", type: "button" }, question.go);
    morph(head, title("confirm-h", question.title));
    body.replaceChildren(h("div", { class: "dlg-parts" }, question.body));
    // What has to be filled in is where the focus starts; else it is the harmless answer.
    const asksFirst = body.querySelector("[autofocus]") !== null;
    foot.replaceChildren(
      h("p", {}),
      h("button", { class: "btn", type: "submit", autofocus: !asksFirst }, question.keep),
      go,
    );
    go.addEventListener("click", async () => {
      const form = go.form;
      if (!form) return;
      body.querySelector(".refusal")?.remove();
      for (const field of body.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
      const wrong = body.querySelector<HTMLInputElement>("input:invalid");
      if (wrong) {
        wrong.setAttribute("aria-invalid", "true");
        wrong.closest("label")?.after(refusal(complaint(wrong)));
        wrong.focus();
        return;
      }
      go.disabled = true;
      try {
        await question.run(new FormData(form));
        if (round !== this.#round) return;
        dialog.close();
        focusTitle();
      } catch (error) {
        if (round !== this.#round) return;
        body.append(refusal(sentenceOf(error)));
        go.disabled = false;
      }
    });
    // By itself a browser takes it for the first button, which closes and loses what was filled in.
    body.onkeydown = (event) => {
      if (event.key !== "Enter" || !(event.target instanceof HTMLInputElement)) return;
      event.preventDefault();
      if (!question.danger) go.click();
    };
    dialog.showModal();
  }
}

/** What is wrong with a field, by the words that stand before it. */
function complaint(field: HTMLInputElement): string {
  const first = field.closest("label")?.firstChild;
  const asked = (first?.firstChild ?? first)?.textContent?.trim() ?? "This";
  return field.validity.valueMissing
    ? `“${asked}” is still empty.`
    : `“${asked}” is not a web address. It begins with http:// or https://.`;
}

declare global {
  interface HTMLElementTagNameMap {
    "confirm-dialog": ConfirmDialog;
  }
}
