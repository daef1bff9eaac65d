/**
 * The pre-flight of vLLM's arguments: vLLM's own parser, inside the image, without a model or a GPU. The module that
 * holds the parser moved between releases (vllm.utils → vllm.utils.argparse_utils), so both places are tried.
 */
export const PREFLIGHT = `
import sys
try:
    from vllm.utils.argparse_utils import FlexibleArgumentParser
except ImportError:
    from vllm.utils import FlexibleArgumentParser
from vllm.entrypoints.openai.cli_args import make_arg_parser
try:
    from vllm.entrypoints.openai.cli_args import validate_parsed_serve_args
except ImportError:
    validate_parsed_serve_args = lambda args: None
parser = make_arg_parser(FlexibleArgumentParser(prog="vllm serve"))
argv = sys.argv[1:]
if "model_tag" not in {action.dest for action in parser._actions}:
    argv = ["--model"] + argv
args = parser.parse_args(argv)
validate_parsed_serve_args(args)
`.trim();

/** What argparse says, without the usage text before it: its last line that reports an error, else the last line. */
export function preflightComplaint(output: string): string {
  const lines = output
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  return lines.findLast((line) => /error:|Error:/.test(line)) ?? lines.at(-1) ?? "the check ended without a word";
}
