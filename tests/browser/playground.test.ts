/** The playground and the list of requests in a real browser, against the gateway of a simulated cluster over plain HTTP. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { silentWav } from "../../lib/silent-wav.ts";
import { buildDashboard } from "../../public/_build.ts";
import { likeness } from "../../public/play/likeness.ts";
import { type Demo, startDemo } from "../support/demo.ts";
import { until } from "../support/until.ts";
import { inBrowser, launchChromium, openPage, ownHostname, type WatchedPage } from "./browser.ts";
import { cannotBePressed, holds } from "./waits.ts";
import { live } from "./wording.ts";

setDefaultTimeout(60_000);

inBrowser("the playground", () => {
  let browser: Browser;
  let demo: Demo;
  let watched: WatchedPage;
  let page: Page;
  beforeAll(async () => {
    await buildDashboard();
    browser = await launchChromium();
    demo = await startDemo({ hostname: ownHostname(), speed: 20 });
    await demo.swap("gpt-oss-20b");
  });
  beforeEach(async () => {
    watched = await openPage(browser, `${demo.url}/playground`);
    page = watched.page;
    await live(page).waitFor();
  });
  afterEach(async () => {
    await page.context().close();
    // Nothing of the policy is broken, and nothing is asked of anybody else; speech lies in the page itself.
    expect(watched.complaints).toEqual([]);
    expect(watched.foreign.filter((url) => !url.startsWith("blob:"))).toEqual([]);
  });
  afterAll(async () => {
    await demo?.close();
    await browser?.close();
  });

  const region = (name: string) => page.getByRole("region", { name, exact: true });
  const say = async (text: string) => {
    await region("Chat").getByRole("textbox", { name: "Message" }).fill(text);
    await page.keyboard.press("Enter");
  };

  test("a chat comes as it is made, and tells how fast it was", async () => {
    await say("Tell me about Sparks.");
    const answer = region("Chat").getByRole("article", { name: "openai/gpt-oss-20b" });
    await answer.getByText(/^First token after .+, [\d.]+ tokens\/s, \d+ tokens$/).waitFor();

    await region("Chat").getByRole("status").getByText("The answer is complete.").waitFor({ state: "attached" });
    expect(await region("Chat").getByRole("article", { name: "You" }).textContent()).toContain("Tell me about Sparks.");
    await holds(region("Chat").getByRole("textbox", { name: "Message" }), "");
    await say("And more.");
    await answer.nth(1).waitFor();
    const before = demo.plane.gateway.inFlight("main");
    expect(before).toBeLessThanOrEqual(1);
  });

  test("what a model writes is text, whatever it looks like", async () => {
    await page.route("**/v1/chat/completions", (route) => {
      const content = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
      const chunk = JSON.stringify({ choices: [{ delta: { content } }] });
      return route.fulfill({ contentType: "text/event-stream", body: `data: ${chunk}\n\ndata: [DONE]\n\n` });
    });
    await say("Hello");
    await region("Chat").getByText("<img src=x").waitFor();

    expect(await region("Chat").locator("img, script").count()).toBe(0);
  });

  test("Stop stops: the model is free again, and what came stays", async () => {
    await page.route("**/v1/chat/completions", (route) => {
      const body = { ...(route.request().postDataJSON() as object), min_tokens: 20_000, max_tokens: 20_000 };
      return route.continue({ postData: JSON.stringify(body) });
    });
    await say("Go on and on.");
    await until("it runs", () => demo.plane.gateway.inFlight("main") === 1);
    await region("Chat").getByRole("article", { name: "openai/gpt-oss-20b" }).getByText(/\w{3}/).first().waitFor();
    await region("Chat").getByRole("button", { name: "Stop" }).click();

    await region("Chat").getByText("Stopped", { exact: true }).waitFor();
    await until("nothing is in flight", () => demo.plane.gateway.inFlight("main") === 0);
    await region("Chat").getByRole("button", { name: "New conversation" }).click();
    expect(await region("Chat").getByRole("article").count()).toBe(0);
  });

  test("a refusal is told in its own words, and what was written can be sent again", async () => {
    await page.route("**/v1/chat/completions", (route) =>
      route.fulfill({ status: 503, json: { error: { message: "The model is busy and its queue is full." } } }),
    );
    await say("Hello");
    await region("Chat").getByRole("alert").getByText("The model is busy and its queue is full.").waitFor();

    await holds(region("Chat").getByRole("textbox", { name: "Message" }), "Hello");
    // The browser notes each answer of 503 by itself.
    watched.complaints.splice(0);
  });

  test("speech can be heard, in the voice that was chosen", async () => {
    const speak = region("Speak");
    await speak.getByRole("textbox", { name: "Text" }).fill("Hello");
    // There is a choice.
    await speak.getByRole("combobox", { name: "Voice" }).getByRole("option").nth(1).waitFor({ state: "attached" });
    await speak.getByRole("button", { name: "Speak" }).click();
    const player = speak.getByLabel("What was spoken");
    await player.waitFor();

    await until("it can be played", () => player.evaluate((audio: HTMLAudioElement) => audio.duration > 0));
  });

  test("a file is transcribed; that plain HTTP has no microphone is said", async () => {
    const transcribe = region("Transcribe");
    await transcribe
      .getByLabel("Recording")
      .setInputFiles({ name: "a.wav", mimeType: "audio/wav", buffer: Buffer.from(silentWav(1, 24_000)) });
    await transcribe.getByRole("button", { name: "Transcribe" }).click();
    await transcribe
      .getByRole("status")
      .getByText(/^After \d/)
      .waitFor();

    await transcribe.getByText(/Browsers lend the microphone only to pages over HTTPS/).waitFor();
    const listed = () => demo.plane.activity.page({ route: "/v1/audio/transcriptions" }, { limit: 1 });
    await until("it is listed", async () => (await listed()).length > 0);
    expect((await listed())[0]).toMatchObject({ status: 200, outcome: "complete" });
  });

  test("two texts are compared, and texts are put in order", async () => {
    const embed = region("Embed");
    await embed.getByRole("textbox", { name: "One text" }).fill("sparks compute");
    await embed.getByRole("textbox", { name: "Another text" }).fill("sparks compute");
    await embed.getByRole("button", { name: "Embed" }).click();
    await embed.getByRole("status").getByText("Alike: 1.000 of 1 (cosine).").waitFor();
    const rerank = region("Rerank");
    await rerank.getByRole("textbox", { name: "Question" }).fill("sparks compute");
    await rerank.getByRole("textbox", { name: "Texts, one a line" }).fill("bananas are yellow\n\nsparks compute");
    await rerank.getByRole("button", { name: "Rerank" }).click();

    const first = rerank.getByRole("listitem").first();
    await first.waitFor();
    expect(await first.textContent()).toMatch(/sparks compute$/);
    expect(await rerank.getByRole("listitem").count()).toBe(2);
    expect(likeness([1, 0], [0, 1])).toBe(0);
    expect(likeness([3, 4], [6, 8])).toBeCloseTo(1);
  });

  test("requests are listed as they pass, and can be narrowed down", async () => {
    await page.goto(`${demo.url}/activity`);
    await live(page).waitFor();
    const requests = region("Requests");
    await requests.getByRole("row").nth(1).waitFor();
    const search = requests.getByRole("searchbox", { name: "Search requests" });
    await search.fill("no-such-model");
    await requests.getByText("No request of that kind is listed.").waitFor();

    await (await demo.post("/v1/chat/completions", { model: "no-such-model", messages: [] })).text();
    await requests.getByRole("row", { name: /no-such-model.*Refused: model not loaded/ }).waitFor();
    await search.fill("");
    await requests.getByRole("combobox", { name: "Which requests" }).selectOption({ label: "Answered" });
    await requests.getByRole("row", { name: /v1\/rerank.*Answered / }).waitFor();
    expect(await requests.getByText("Refused").count()).toBe(1);
    expect(
      await requests.getByRole("row", { name: /openai\/gpt-oss-20b.*Answered .* in, [\d,]+ out/ }).count(),
    ).toBeGreaterThan(0);

    // In words, not by the number of HTTP.
    const tooMany = { model: "gpt-oss-20b", messages: [{ role: "user", content: "Hello" }], max_tokens: 10_000_000 };
    const answer = await demo.post("/v1/chat/completions", tooMany);
    await answer.text();
    expect(answer.status).toBe(400);
    await requests.getByRole("row", { name: /gpt-oss-20b.*Turned down: the request is not valid/ }).waitFor();
    expect(
      await requests
        .getByText(/\b[245]\d\d\b/)
        .filter({ hasText: /^(Answered|Turned|Failed)/ })
        .count(),
    ).toBe(0);
  });

  test("what nothing answers cannot be asked, and says why", async () => {
    const empty = await startDemo({ hostname: ownHostname(), services: false });
    try {
      await page.goto(`${empty.url}/playground`);
      for (const [name, button, why] of [
        ["Chat", "Send", /^No model is loaded\. Swap to one, then talk to it here\.$/],
        ["Speak", "Speak", /^No speech service answers\./],
        ["Transcribe", "Transcribe", /^No service for speech recognition answers\./],
        ["Embed", "Embed", /^No embeddings service answers\./],
        ["Rerank", "Rerank", /^No reranker answers\./],
      ] as const) {
        const asks = region(name).getByRole("button", { name: button, exact: true });
        await cannotBePressed(asks);
        const described = await asks.getAttribute("aria-describedby");
        expect(await page.locator(`[id="${described}"]`).textContent()).toMatch(why);
      }
      await say("Hello");
      expect(await region("Chat").getByRole("article").count()).toBe(0);
    } finally {
      watched.foreign.splice(0);
      await page.goto("about:blank");
      await empty.close();
    }
  });
});
