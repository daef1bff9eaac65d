/** `X.Y.Z:N`: the version as everything shows it. X.Y.Z is semantic versioning, N counts the packages made of it (StartOS). */
import packageJson from "../package.json" with { type: "json" };

export const VERSION = `${packageJson.version}:${packageJson.revision}`;
