/** Tells the log views that a log has grown: events named after the swap, with the number of the last line as detail. */
export const logGrowth = new EventTarget();

/** Event of `logGrowth`: the connection was away, any log may have grown. */
export const MISSED = "missed";
