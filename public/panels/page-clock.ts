import { quarterMinute } from "../clock.ts";
import type { Child } from "../dom.ts";
import { hourMinute, weekday } from "../format.ts";
import { Panel } from "./panel.ts";

/** The day and the time, so that a picture of the page says when it was. */
export class PageClock extends Panel {
  protected render(): Child {
    const now = new Date(quarterMinute.value);
    return `${weekday(now)} ${hourMinute(now)}`;
  }
}
