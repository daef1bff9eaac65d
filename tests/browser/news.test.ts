/** What the page makes of what it is told, without a browser: nothing is lost, and nothing older undoes it. */
import { expect, test } from "bun:test";
import { News, withNews } from "../../public/news.ts";
import { effect } from "../../public/store.ts";

interface Thing {
  readonly id: string;
  readonly state: string;
}
const thing = (id: string, state: string): Thing => ({ id, state });
const words = (things: readonly Thing[]) => things.map(({ id, state }) => `${id} ${state}`);

test("what is told in one go is all there when its readers have their turn, each as it was told last", async () => {
  const news = new News<Thing>();
  const seen: string[][] = [];
  const stop = effect(() => void seen.push(words(news.all)));

  news.tell(thing("a", "pending"));
  news.tell(thing("b", "pending"));
  news.tell(thing("a", "delivered"));
  await Promise.resolve();
  stop();

  expect(seen).toEqual([[], ["a delivered", "b pending"]]);
});

test("of what is told for days only the latest is kept; a new connection begins anew", () => {
  const news = new News<Thing>();
  for (let at = 1; at <= 1_000; at++) news.tell(thing(`${at}`, "done"));

  expect(news.all[0]?.id).toBe("1000");
  expect(news.all.length).toBeLessThan(1_000);
  news.forget();
  expect(news.all).toEqual([]);
});

test("an answer that comes late has what was told since it was asked for, and nothing that was told before", () => {
  const news = new News<Thing>();
  news.tell(thing("a", "pending"));
  const asked = news.all;
  const answer = [thing("b", "pending"), thing("a", "delivered")];
  expect(words(withNews(answer, news.all, asked))).toEqual(["b pending", "a delivered"]);

  news.tell(thing("b", "delivered"));
  news.tell(thing("c", "pending"));

  expect(words(withNews(answer, news.all, asked))).toEqual(["c pending", "b delivered", "a delivered"]);
  expect(withNews(answer, news.all, news.all)).toBe(answer);
});
