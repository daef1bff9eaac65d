/**
 * What may not be in the tree: hosts, addresses, users and secrets of a real installation. Allow-lists, so that a new one is
 * seen without anybody having to know it beforehand.
 */
import { isIP, isIPv4, isIPv6 } from "node:net";
import { type Assignment, assignmentsIn } from "./_assignments.ts";

export interface Finding {
  readonly line: number;
  readonly kind: "address" | "host" | "user" | "secret" | "path" | "e-mail";
  readonly text: string;
}

/** Networks that are nobody's: this host, loopback, documentation (RFC 5737), benchmarks, link-local, multicast; and the lab's own. */
const NOBODYS = /^(?:0|127|192\.0\.[02]|198\.51\.100|203\.0\.113|198\.1[89]|169\.254|10\.77|2[2-5]\d)\./;
/** What tests of address rules need: edges of the private ranges, and addresses that clouds and everybody know. */
const TEST_ADDRESSES = new Set(
  `10.0.0.0 10.0.0.1 10.0.0.2 10.0.0.5 10.0.0.7 10.0.0.8 10.0.3.1 10.78.0.0 10.255.255.255 172.16.0.0 172.16.0.1 172.17.0.1
   172.31.255.255 172.32.0.1 192.168.0.0 192.168.1.1 192.168.1.2 192.168.1.7 192.168.1.8 192.168.1.20 192.168.1.21 192.169.0.1
   100.64.0.0 100.64.0.1 100.128.0.1 100.100.100.200 128.0.0.1 168.63.129.16 1.2.3.4 8.8.8.8`.split(/\s+/),
);

/** Names of no machine: made up for examples and tests. */
const LOCAL_NAMES = new Set(
  `spark-control spark-1 spark-2 spark-one spark-box spark app nas box null model control x abcdefghijklmnop tower printer host
   name names test example`.split(/\s+/),
);
/** Of projects and documents that are named on purpose. */
const PUBLIC_HOSTS = new Set(
  `github.com huggingface.co docs.docker.com docs.gitea.com docs.vllm.ai json-schema.org www.w3.org www.standardwebhooks.com web.dev
   html.spec.whatwg.org scripts.sil.org openfontlicense.org registry.npmjs.org deb.debian.org biomejs.dev opencollective.com
   astral.sh developer.mozilla.org metadata.google.internal keepachangelog.com semver.org`.split(/\s+/),
);
/** Whose names of algorithms look like addresses of people. */
const ALGORITHMS = new Set(["openssh.com", "libssh.org"]);
const EXAMPLE = /(?:^|\.)(?:example|invalid|test|localhost|nip\.io|example\.(?:com|org|net))$/;
/** The key whose fingerprint a test knows from ssh-keygen; nobody has its other half. */
const TEST_KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIEH3+Jl9haKEhuBaXOeETMX0";
const USERS = new Set(["alice", "bob", "carol", "spark", "user", "me", "someone"]);

/** What tests of address rules need, and where clouds have their metadata. */
const TEST_IPV6 = new Set(
  "fd00:ec2::254 fd00:42::42 fe80::a9fe:a9fe fd00:ec2::23 fd20:ce::254 fd00:ec2:0:0:0:0:0:254 fd00:0ec2:0:0:0:0:0:254 fd12:3456::7".split(
    " ",
  ),
);
/** Hosts, users and secrets of examples; a secret that looks like one of a real installation is none of these. */
const MADE_UP_HOSTS = new Set("localhost old new other host hostname address user text string null".split(" "));
const MADE_UP_USERS = new Set(
  "root root1 nobody bot bridge user host other text string null dashboard nightly".split(" "),
);
const MADE_UP_SECRET =
  /hunter2|s3cret|secret|passw|token|example|nobody|^tok-5f2d7c11e0$|^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const ADDRESS = /(?<![\w.-]|[A-Za-z]\/)(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)/g;
const ADDRESS_V6 = /(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])/gi;
/** Of a shell: the slash before it would be one of a version. */
const SOCKET = /\/dev\/(?:tcp|udp)\/((?:\d{1,3}\.){3}\d{1,3})/g;
const E_MAIL = /(?<![\w.+/-])[\w.+-]+@((?:[a-z0-9-]+\.)+[a-z]{2,})\b/gi;
const WEBHOOK_SECRET = /\bwhsec_([A-Za-z0-9+/_-]{20,})/g;
const LOCAL_NAME =
  /(?<![\w.$-]|[^/]\/)([a-z0-9][a-z0-9-]*)\.(?:local|lan|onion|startos|ts\.net|fritz\.box|home\.arpa|internal|localdomain|intranet)\b(?!\.\w)/gi;
/** There it may be a property. */
const CODE_FILE = /\.[cm]?[jt]sx?$/;
const BEHIND_PROPERTY = /^\s*[(=]|^:\s/;
const TAILNET = /(?<![\w.-])((?:[a-z0-9-]+\.)+)ts\.net\b/gi;
const URL_HOST =
  /\b(?:https?|ftps?|sftp|ssh|wss?|smb):\/\/(?:[^\s/@"'`<>]*@)?([a-z0-9][a-z0-9.-]*\.[a-z]{2,})(?=[:/\s"'`)>\],?]|$)/gi;
/** A name of one label, of one's own network then; not what stands before a login's `@`. */
const URL_NAME =
  /\b(?:https?|ftps?|sftp|ssh|wss?|smb):\/\/(?:[^\s/@"'`<>]*@)?([a-z][a-z0-9-]{2,})(?=[:/\s"'`)>\],?]|$)(?![^\s/"'`]*@)/gi;
const URL_PASSWORD = /\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@"'`<>$]+:([^\s/@"'`<>$]+)@/gi;
const AUTHORIZATION = /\b(Bearer|Basic)\s+([A-Za-z0-9+/=_.-]{16,})/gi;
const HOME = /(?<![\w.])(?:\/var|\/mnt\/[a-z])?\/(?:home|Users)\/([a-z_][\w-]*)/g;
const WINDOWS_HOME = /(?<!\w)[a-z]:[\\/]{1,2}Users[\\/]{1,2}([a-z_][\w.-]*)/gi;
/** What is behind `ssh` and `scp` on a line, up to the end of the command. */
const SSH_LOGIN = /\b(?:ssh|scp|sftp|rsync|ssh-copy-id)\s(?:[^\n;|&"'`]*?\s)?([a-z_][\w.-]*)@([a-z0-9][\w.-]*)/gi;
const MAC = /(?<![\w:-])[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}(?![\w:-])/gi;
/** Folders of the machines that this was written on. */
const MACHINE_PATH = /(?<![\w.])\/(?:work|workspace)\/(?:main|wt|shared)\b/g;
const SECRETS = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----\s*(?:\\n)?\s*[A-Za-z0-9+/]{40,}/g,
  /\b(?:ssh-(?:ed25519|rsa)|ecdsa-sha2-nistp\d+) AAAA[A-Za-z0-9+/]{60,}/g,
  /\bPrivateKey\s*=\s*[A-Za-z0-9+/]{43}=/g,
  /\b(?:ghp|gho|ghs|github_pat|hf|xox[bpas])[_-][A-Za-z0-9_-]{24,}\b/g,
  /\bglpat-[A-Za-z0-9_-]{20,}/g,
  /\bnpm_[A-Za-z0-9]{30,}\b/g,
  /\bsk-[A-Za-z0-9_-]{32,}/g,
  /\bAIza[A-Za-z0-9_-]{30,}/g,
  /\bAKIA[0-9A-Z]{16}\b/g,
  /\beyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}\./g,
  /(?:authorization|token|api[_-]?key|password)["']?\s*[:=]\s*["']?(?:token |bearer )?[0-9a-f]{40}\b/gi,
];

/** Documentation, loopback, mapped and translated addresses; and those that are too plain to have been given to anybody. */
function isNobodysV6(address: string): boolean {
  const lower = address.toLowerCase();
  if (TEST_IPV6.has(lower) || /^(?:2001:db8:|64:ff9b:|::)/.test(lower)) return true;
  // A real network of one's own has 40 random bits in its prefix, a real host a MAC address or random bits in its end.
  const groups = lower.split(":").filter((group) => /[1-9a-f]/.test(group));
  return /^f[cde]/.test(lower) && groups.length <= 2;
}

/** Of the documentation range (RFC 7042), or given by nobody who makes hardware. */
function isNobodysMac(address: string): boolean {
  const digits = address.toLowerCase().replace(/[:-]/g, "");
  const isLocal = (Number.parseInt(digits.slice(0, 2), 16) & 2) !== 0;
  return isLocal || digits.startsWith("00005e0053") || /^0+$/.test(digits);
}

function isNobodysHost(host: string): boolean {
  const name = host.toLowerCase();
  if (/^[\d.]+$/.test(name) || LOCAL_NAMES.has(name) || MADE_UP_HOSTS.has(name)) return true;
  return EXAMPLE.test(name) || PUBLIC_HOSTS.has(name) || /\.(?:local|lan|onion|startos)$/.test(name);
}

const fromBase64 = (text: string): string => Buffer.from(text, "base64").toString("latin1");

/** Made of random bytes; what somebody has written by hand is text again behind the base64. */
const isRandom = (base64: string) => /[^ -~]/.test(fromBase64(base64));

/** Whether the value is of an example, or no value at all but code, a placeholder or a sentence. */
function isMadeUp({ field, value }: Assignment): boolean {
  if (field === "host") {
    const name = value.toLowerCase().replace(/:\d+$/, "");
    if (isIP(name) !== 0 || !/^[a-z][a-z0-9-]{2,}(?:\.[a-z0-9-]+)*$/.test(name)) return true;
    const isPublic = EXAMPLE.test(name) || PUBLIC_HOSTS.has(name) || /\.(?:local|lan|onion|startos)$/.test(name);
    return isPublic || LOCAL_NAMES.has(name) || MADE_UP_HOSTS.has(name);
  }
  if (field === "user") {
    const name = value.toLowerCase();
    return !/^[a-z_][a-z0-9_.-]{2,31}$/.test(name) || USERS.has(name) || MADE_UP_USERS.has(name);
  }
  return isMadeUpSecret(value);
}

function isMadeUpSecret(value: string): boolean {
  const isMixed = /[a-z]/i.test(value) && /\d/.test(value);
  return value.length < 8 || !isMixed || /[\s$<{…]/.test(value) || MADE_UP_SECRET.test(value);
}

/** @param text of one file @param file its name: in files of settings `host: name` is an assignment, in code it is code */
export function foreignIn(text: string, file = ""): Finding[] {
  const findings: Finding[] = [];
  const lineOf = (at: number) => text.slice(0, at).split("\n").length;
  const look = (kind: Finding["kind"], pattern: RegExp, isFine: (match: RegExpMatchArray) => boolean = () => false) => {
    for (const match of text.matchAll(pattern))
      if (!isFine(match)) findings.push({ line: lineOf(match.index), kind, text: match[0].slice(0, 60) });
  };
  look("address", ADDRESS, ([ip]) => !isIPv4(ip) || NOBODYS.test(ip) || TEST_ADDRESSES.has(ip));
  look("address", ADDRESS_V6, ([ip]) => !isIPv6(ip) || isNobodysV6(ip));
  look("address", SOCKET, ([, ip = ""]) => NOBODYS.test(ip) || TEST_ADDRESSES.has(ip));
  look("host", URL_NAME, ([, host = ""]) => isNobodysHost(host) || USERS.has(host.toLowerCase()));
  look("secret", URL_PASSWORD, ([, value = ""]) => isMadeUpSecret(value));
  look("secret", AUTHORIZATION, ([, scheme = "", value = ""]) =>
    scheme.toLowerCase() === "basic" ? isRandom(value) || isMadeUpSecret(fromBase64(value)) : isMadeUpSecret(value),
  );
  look(
    "e-mail",
    E_MAIL,
    ([, domain = ""]) => EXAMPLE.test(domain) || ALGORITHMS.has(domain) || PUBLIC_HOSTS.has(domain),
  );
  look("secret", WEBHOOK_SECRET, ([, base64 = ""]) => !isRandom(base64));
  look("host", LOCAL_NAME, ({ 0: all, 1: name = "", index = 0 }) => {
    const isProperty = CODE_FILE.test(file) && BEHIND_PROPERTY.test(text.slice(index + all.length));
    return isProperty || LOCAL_NAMES.has(name.toLowerCase());
  });
  look("host", URL_HOST, ([, host = ""]) => {
    const name = host.toLowerCase();
    return isIPv4(name) || PUBLIC_HOSTS.has(name) || EXAMPLE.test(name) || /\.(?:local|lan|onion|startos)$/.test(name);
  });
  look("host", TAILNET, ([, labels = ""]) =>
    labels.split(".").every((label) => LOCAL_NAMES.has(label) || label === ""),
  );
  look("host", SSH_LOGIN, ([, , host = ""]) => isNobodysHost(host.replace(/\.$/, "")));
  look("user", SSH_LOGIN, ([, user = ""]) => USERS.has(user) || MADE_UP_USERS.has(user) || user === "git");
  look("address", MAC, ([mac]) => isNobodysMac(mac));
  look("user", WINDOWS_HOME, ([, name = ""]) => [...USERS, "public", "default"].includes(name.toLowerCase()));
  look("user", HOME, ([, name = ""]) => USERS.has(name));
  look("path", MACHINE_PATH);
  for (const assignment of assignmentsIn(text, file))
    if (!isMadeUp(assignment))
      findings.push({ line: lineOf(assignment.at), kind: assignment.field, text: assignment.text.slice(0, 60) });
  for (const pattern of SECRETS) look("secret", pattern, ([found]) => found.includes(TEST_KEY));
  return findings.sort((a, b) => a.line - b.line);
}
