/** What VLLM_SPARK_EXTRA_DOCKER_ARGS adds to `docker run`: it is split at spaces, unquoted. */
export interface ExtraDockerArgs {
  /** `/host:/container[:ro]` */
  readonly binds: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export function extraDockerArgs(text: string): ExtraDockerArgs {
  const words = text.split(/\s+/).filter(Boolean);
  const binds: string[] = [];
  const env: Record<string, string> = {};
  words.forEach((word, at) => {
    const option = words[at - 1];
    if (option === "-v" || option === "--volume") binds.push(word);
    if (option === "-e" || option === "--env") {
      const equals = word.indexOf("=");
      if (equals > 0) env[word.slice(0, equals)] = word.slice(equals + 1);
    }
  });
  return { binds, env };
}

/** Whether a container with these bind mounts sees the path of its host under the same name. */
export function isMounted(path: string, binds: readonly string[]): boolean {
  return binds.some((bind) => {
    const [host = "", inside = ""] = bind.split(":");
    return host === inside && (path === host || path.startsWith(`${host}/`));
  });
}
