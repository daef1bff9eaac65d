/** The TypeScript compiler of this package, as a process. */
import { join, relative, resolve } from "node:path";

const FOLDER = import.meta.dir;
/** The place is missing where the project itself is wrong. */
const LINE = /^(?:(.+?)\((\d+),\d+\): )?error (TS\d+): (.*)$/;
const EXPECTED = /^\s*\/\/ error expected on the next line: (TS\d+)$/;

export interface Diagnostic {
  /** Relative to this folder; the project where the compiler names no file. */
  readonly file: string;
  /** 1-based; 0 for the project. */
  readonly line: number;
  /** `TS2322` */
  readonly code: string;
  readonly message: string;
}

export const shown = ({ file, line, code, message }: Diagnostic) => `${file}:${line} ${code}: ${message}`;

/**
 * @param project path of a tsconfig.json
 * @returns its errors; never empty when the compiler failed
 */
export async function compile(project: string): Promise<Diagnostic[]> {
  const compiler = Bun.resolveSync("typescript/bin/tsc", FOLDER);
  const child = Bun.spawn([process.execPath, compiler, "--project", project, "--pretty", "false"], {
    cwd: FOLDER,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const output = await new Response(child.stdout).text();
  const exitCode = await child.exited;
  const diagnostics = output.split("\n").flatMap((text) => {
    const [, file = project, line = "0", code, message] = LINE.exec(text) ?? [];
    if (code === undefined || message === undefined) return [];
    return [{ file: relative(FOLDER, resolve(FOLDER, file)), line: Number(line), code, message }];
  });
  if (exitCode !== 0 && diagnostics.length === 0) {
    return [{ file: project, line: 0, code: `exit ${exitCode}`, message: output }];
  }
  return diagnostics;
}

/** Compares a file that is wrong on purpose with its mark. @returns what is not as it should be, null if all is */
export async function misjudged(file: string, diagnostics: readonly Diagnostic[]): Promise<string | null> {
  const lines = (await Bun.file(join(FOLDER, file)).text()).split("\n");
  const marks = lines.flatMap((text, index) => {
    const code = EXPECTED.exec(text)?.[1];
    return code === undefined ? [] : [`${file}:${index + 2} ${code}`];
  });
  if (marks.length !== 1) return `${file} has ${marks.length} marks, not one`;
  const found = diagnostics.filter((each) => each.file === file);
  const isRight = found.length === 1 && found.every(({ line, code }) => `${file}:${line} ${code}` === marks[0]);
  return isRight ? null : `expected ${marks[0]}, got ${found.map(shown).join("; ") || "no error"}`;
}
