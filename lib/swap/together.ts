/**
 * As `Promise.all`, but when one has failed the others are waited for: what went on behind the back of whoever gave up would reach what
 * comes next, such as a `docker stop` the model that is launched then.
 * @throws the first failure in their order
 */
export async function together<Result>(works: readonly Promise<Result>[]): Promise<Result[]> {
  const ends = await Promise.allSettled(works);
  return ends.map((end) => {
    if (end.status === "rejected") throw end.reason;
    return end.value;
  });
}
