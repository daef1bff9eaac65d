/** Every TypeScript file of the product with what it imports. */
import { dirname, join, normalize, relative } from "node:path";

export const ROOT = join(import.meta.dir, "../..");

export interface Import {
  /** Relative to the root for our own files: `lib/fault.ts`; otherwise the package: `elysia`. */
  readonly target: string;
  readonly isOwn: boolean;
  readonly isTypeOnly: boolean;
}

export interface Source {
  /** Relative to the root: `lib/http/problem.ts`. */
  readonly file: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

const STATEMENT = /^(?:import|export)\s+(type\s+)?(?:[\w*{}\s,$]+?\s+from\s+)?["']([^"']+)["']/gm;
const DYNAMIC = /\bimport\(\s*["']([^"']+)["']\s*\)/g;

function importOf(file: string, specifier: string, isTypeOnly: boolean): Import {
  const isOwn = specifier.startsWith(".");
  const target = isOwn ? normalize(join(dirname(file), specifier)) : specifier;
  return { target, isOwn, isTypeOnly };
}

/** Every name in braces marked `type` counts as a type-only import too. */
const hasOnlyTypes = (statement: string) => {
  const names = /\{([^}]*)\}/
    .exec(statement)?.[1]
    ?.split(",")
    .map((name) => name.trim())
    .filter(Boolean);
  return (
    names !== undefined &&
    names.length > 0 &&
    names.every((name) => name.startsWith("type ")) &&
    !/^import\s+\w+\s*,/.test(statement)
  );
};

function importsOf(file: string, text: string): Import[] {
  const statements = [...text.matchAll(STATEMENT)].map((match) =>
    importOf(file, match[2]!, match[1] !== undefined || hasOnlyTypes(match[0])),
  );
  return [...statements, ...[...text.matchAll(DYNAMIC)].map((match) => importOf(file, match[1]!, false))];
}

export async function sourcesBelow(...folders: string[]): Promise<Source[]> {
  const files = await Promise.all(
    folders.map((folder) => Array.fromAsync(new Bun.Glob("**/*.ts").scan({ cwd: join(ROOT, folder), absolute: true }))),
  );
  return Promise.all(
    files
      .flat()
      .sort()
      .map(async (absolute) => {
        const file = relative(ROOT, absolute);
        const text = await Bun.file(absolute).text();
        return { file, text, imports: importsOf(file, text) };
      }),
  );
}
