import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { expand, parseShellLine, ShellSyntaxError } from "../../../lib/simulator/shell-words.ts";
import { batch, command, quote, script, type Word } from "../../../lib/ssh/quote.ts";

const text = fc.string({ unit: "binary" }).filter((value) => !value.includes("\0"));
const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/);
/** Words as lib/ssh/quote.ts takes them; a path below home never begins with a slash. */
const word: fc.Arbitrary<Word> = fc.oneof(
  text,
  text.map((home) => ({ home })),
);
const argv = fc
  .tuple(name, fc.array(word, { maxLength: 6 }))
  .map(([first, rest]): [Word, ...Word[]] => [first, ...rest]);

describe("the parser reads back what lib/ssh/quote.ts writes", () => {
  test("one command", () => {
    fc.assert(
      fc.property(argv, (words) => {
        expect(parseShellLine(command(words))).toEqual({ nonce: null, commands: [words] });
      }),
    );
  });

  test("a batch", () => {
    fc.assert(
      fc.property(
        fc.array(argv, { minLength: 1, maxLength: 4 }),
        fc.stringMatching(/^[0-9a-f]{8,24}$/),
        (list, nonce) => {
          const line = batch(list.map(command), nonce);
          expect(parseShellLine(line)).toEqual({ nonce, commands: list });
        },
      ),
    );
  });

  test("a named script", () => {
    fc.assert(
      fc.property(name, text, fc.array(word, { maxLength: 5 }), (scriptName, body, args) => {
        const line = script(scriptName, body, args);
        expect(parseShellLine(line)).toEqual({ nonce: null, commands: [["sh", "-c", body, scriptName, ...args]] });
      }),
    );
  });
});

describe("anything else is a syntax error", () => {
  const tails = [
    "; id",
    " && id",
    " | id",
    " > x",
    " &",
    " $(id)",
    " `id`",
    ' "x"',
    " $HOME",
    " *",
    "\nid",
    " ( id )",
    " x;",
    " ~",
    "  two",
  ];

  for (const tail of tails) {
    test(`command followed by ${JSON.stringify(tail)}`, () => {
      expect(() => parseShellLine(`ls -1${tail}`)).toThrow(ShellSyntaxError);
    });
  }

  for (const line of [
    "",
    " ",
    "'open",
    '"$HOME',
    '"$HOME"/',
    "A=b ls",
    "ls ",
    "( ls ) 2>&1; printf '\\n%s %d\\n' ab \"$?\"; id",
  ]) {
    test(`line ${JSON.stringify(line)}`, () => {
      expect(() => parseShellLine(line)).toThrow(ShellSyntaxError);
    });
  }

  test("any unquoted character that a shell treats specially", () => {
    fc.assert(
      fc.property(fc.constantFrom(...'"$`\\;&|<>(){}[]*?!#~\t\n^'), text, (special, rest) => {
        expect(() => parseShellLine(`ls x${special}${quote(rest)}`)).toThrow(ShellSyntaxError);
      }),
    );
  });
});

test("a path below home expands to the home folder of the SSH user", () => {
  expect(expand({ home: "" }, "/home/spark")).toBe("/home/spark");
  expect(expand({ home: "a b/c" }, "/home/spark")).toBe("/home/spark/a b/c");
});
