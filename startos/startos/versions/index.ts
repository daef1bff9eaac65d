import { VersionGraph } from "@start9labs/start-sdk";
import { current } from "./current";

/** Nothing below 1.0.0 is listed: the controller itself takes over the data of the earlier package, whatever version wrote them. */
export const versionGraph = VersionGraph.of({ current, other: [] });
