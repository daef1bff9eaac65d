/** `host=…`, `"user": "…"`, `password: …`: what is said to be a host, a user or a secret, wherever it is written. */

export interface Assignment {
  readonly field: "host" | "user" | "secret";
  readonly value: string;
  readonly text: string;
  readonly at: number;
}

const NAMES =
  "host|hostname|user|username|login|password|passwd|passphrase|secret|token|api_?key|private_?key|preshared_?key|access_?key";
/** `SPARK1_HOST=x`, `--password=x`, `?user=x`: without a space, as no code here is written. */
const PLAIN = new RegExp(`(?<![A-Za-z])(${NAMES})=(?!=)["']?([^\\s"'\`,;&)}\\]]+)`, "gi");
/** `host: "x"`, `"password": "x"`, `user = 'x'`. */
const QUOTED = new RegExp(`(?<![A-Za-z])(${NAMES})["']?\\s*[:=]\\s*(?:"([^"\\n]+)"|'([^'\\n]+)')`, "gi");
/** `host: x` of YAML, in a line or between braces. */
const BARE = new RegExp(`(?:^|[{,])[ \\t]*(?:- )?(?:\\w+[_-])?(${NAMES}):[ \\t]+([^\\s"'\`{[#,}\\]]+)`, "gim");
const SETTINGS_FILE = /\.(?:ya?ml|md|toml|ini|conf|env|txt)$|(?:^|\/)(?:Dockerfile|Makefile)$/;

function fieldOf(name: string): Assignment["field"] {
  if (/^host/i.test(name)) return "host";
  if (/^(?:user|login)/i.test(name)) return "user";
  return "secret";
}

export function assignmentsIn(text: string, file: string): Assignment[] {
  const patterns = [PLAIN, QUOTED, ...(SETTINGS_FILE.test(file) ? [BARE] : [])];
  return patterns.flatMap((pattern) =>
    [...text.matchAll(pattern)].map((match) => {
      const [all, name = "", one, other] = match;
      // Of several lines the one that has the value.
      return { field: fieldOf(name), value: one ?? other ?? "", text: all.trim(), at: match.index + all.length - 1 };
    }),
  );
}
