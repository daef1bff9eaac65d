/** The text of routes/_manifest.gen.ts. */
import type { RouteFile } from "./scan.ts";

function identifierOf({ file }: RouteFile): string {
  const words = file.replace(/\.ts$/, "").match(/[A-Za-z0-9]+/g) ?? [];
  const name = words.map((word, at) => (at === 0 ? word : word[0]!.toUpperCase() + word.slice(1))).join("");
  return `${/^[0-9]/.test(name) ? "_" : ""}${name}Route`;
}

function registration(route: RouteFile, identifier: string): string {
  // A group and not a prefixed instance: only this keeps Eden's types and the compiler's time as the tree grows.
  if (route.path === "/") return `    .use(from(${identifier}))`;
  return `    .group(${JSON.stringify(route.path)}, (group) => group.use(from(${identifier})))`;
}

/** Distinct names even where two files differ only in punctuation. */
function identifiersOf(routes: readonly RouteFile[]): string[] {
  const seen = new Map<string, number>();
  return routes.map((route) => {
    const name = identifierOf(route);
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name}${count}`;
  });
}

/** @param routes as `scanRoutes` gives them; the order is the order of registration */
export function renderManifest(routes: readonly RouteFile[]): string {
  const names = identifiersOf(routes);
  const imports = routes.map((route, at) => `import ${names[at]} from "./${route.file}";`);
  const list = routes.map(({ file, path }) => `  { file: ${JSON.stringify(file)}, path: ${JSON.stringify(path)} },`);
  return `${[
    '// Generated from the files of this folder by lib/routegen/_cli.ts ("bun run generate"). Do not edit.',
    'import type { Elysia } from "elysia";',
    'import type { ControlPlane } from "../lib/control-plane.ts";',
    'import type { Web } from "../lib/http/web.ts";',
    ...imports,
    "",
    "/** Every route file with the URL it serves, literals before parameters. */",
    "export const ROUTE_FILES = [",
    ...list,
    "] as const satisfies readonly { readonly file: string; readonly path: string }[];",
    "",
    "/** Adds every route to the app. The type of the result is what Eden's client is made of. */",
    "export const registerRoutes = (app: Elysia, services: ControlPlane & Web) => {",
    "  // Through a function, so that a route that takes nothing needs no parameter.",
    "  const from = <Route>(factory: (services: ControlPlane & Web) => Route): Route => factory(services);",
    "  return app",
    `${routes.map((route, at) => registration(route, names[at]!)).join("\n")};`,
    "};",
  ].join("\n")}\n`;
}
