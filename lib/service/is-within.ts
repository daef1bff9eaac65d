/**
 * Whether less than so much time has passed since then. A wall clock that was set back since says nothing: no.
 * @param ms milliseconds
 * @param since milliseconds since 1970, as `now`
 */
export const isWithin = (ms: number, since: number, now: number): boolean => now >= since && now - since < ms;
