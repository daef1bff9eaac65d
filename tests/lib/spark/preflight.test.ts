import { describe, expect, test } from "bun:test";
import { preflightComplaint } from "../../../lib/spark/preflight.ts";

describe("what the pre-flight complains of", () => {
  test("is argparse's last line, without the usage before it", () => {
    const output = `usage: vllm serve [model_tag] [options]
                  [--host HOST] [--port PORT]
vllm serve: error: unrecognized arguments: --no-such-option
`;

    expect(preflightComplaint(output)).toBe("vllm serve: error: unrecognized arguments: --no-such-option");
  });

  test("is the exception of a check that comes after the parser", () => {
    const output = `Traceback (most recent call last):
  File "<string>", line 18, in <module>
    validate_parsed_serve_args(args)
TypeError: Error: --enable-auto-tool-choice requires --tool-call-parser

`;

    expect(preflightComplaint(output)).toBe("TypeError: Error: --enable-auto-tool-choice requires --tool-call-parser");
  });

  test("is the last error, whatever is logged after it", () => {
    expect(preflightComplaint("error: one\nValueError: two\nINFO bye\n")).toBe("ValueError: two");
  });

  test("is the last line where none tells of an error", () => {
    expect(preflightComplaint("one\n  two  \n\n")).toBe("two");
  });

  test("is never empty", () => {
    expect(preflightComplaint(" \n\n")).toBe("the check ended without a word");
  });
});
