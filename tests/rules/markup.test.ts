import { describe, expect, test } from "bun:test";
import { sourcesBelow } from "./_sources.ts";

/** Ways by which a text becomes elements: what comes from models, logs and hosts is only ever made into text. */
const PARSES =
  /\b(?:innerHTML|outerHTML|insertAdjacentHTML|DOMParser|document\s*\.\s*write(?:ln)?|createContextualFragment|srcdoc|(?:setHTML|parseHTML)(?:Unsafe)?)\b/g;

const parsesIn = (text: string): string[] => [...text.matchAll(PARSES)].map(([found]) => found);

describe("markup", () => {
  test.each([
    ["box.innerHTML = text", "innerHTML"],
    ["Object.assign(box, { outerHTML: text })", "outerHTML"],
    ['box.insertAdjacentHTML("beforeend", text)', "insertAdjacentHTML"],
    ['new DOMParser().parseFromString(text, "text/html")', "DOMParser"],
    ["document.write(text)", "document.write"],
    ["document.writeln(text)", "document.writeln"],
    ["range.createContextualFragment(text)", "createContextualFragment"],
    ['h("iframe", { srcdoc: text })', "srcdoc"],
    ["box.setHTML(text)", "setHTML"],
    ["box.setHTMLUnsafe(text)", "setHTMLUnsafe"],
    ["Document.parseHTMLUnsafe(text)", "parseHTMLUnsafe"],
  ])("the scan finds %s", (text, found) => {
    expect(parsesIn(text)).toEqual([found]);
  });

  test("nothing in the dashboard makes elements of a text", async () => {
    const sources = await sourcesBelow("public");

    expect(sources.map(({ file }) => file)).toContain("public/dom.ts");
    expect(sources.flatMap(({ file, text }) => parsesIn(text).map((found) => `${file}: ${found}`))).toEqual([]);
  });
});
