/** The few files and folders of a host that the product looks at. Sizes in kB. */
export class VirtualFiles {
  readonly #texts = new Map<string, string>();
  readonly #folders = new Map<string, number>();

  /** @param sizeKb what lies in it beside the folders below it */
  addFolder(path: string, sizeKb = 4): void {
    const parts = path.split("/").filter(Boolean);
    for (let depth = 1; depth < parts.length; depth += 1) {
      const parent = `/${parts.slice(0, depth).join("/")}`;
      if (!this.#folders.has(parent)) this.#folders.set(parent, 4);
    }
    this.#folders.set(`/${parts.join("/")}`, sizeKb);
  }

  addText(path: string, text: string): void {
    this.addFolder(path.slice(0, path.lastIndexOf("/")));
    this.#texts.set(path, text);
  }

  remove(path: string): void {
    for (const text of this.#texts.keys()) if (text === path || text.startsWith(`${path}/`)) this.#texts.delete(text);
    for (const folder of this.#below(path)) this.#folders.delete(folder);
  }

  text(path: string): string | undefined {
    return this.#texts.get(path);
  }

  isFolder(path: string): boolean {
    return path === "/" || this.#folders.has(trimmed(path));
  }

  /** Names directly in the folder, sorted; undefined when there is no such folder. */
  list(path: string): readonly string[] | undefined {
    if (!this.isFolder(path)) return undefined;
    const prefix = `${trimmed(path)}/`;
    const names = [...this.#folders.keys(), ...this.#texts.keys()]
      .filter((entry) => entry.startsWith(prefix))
      .map((entry) => entry.slice(prefix.length).split("/")[0]!);
    return [...new Set(names)].sort();
  }

  /** Total in kB; undefined when there is no such folder. */
  usedKb(path: string): number | undefined {
    if (!this.isFolder(path)) return undefined;
    return this.#below(path).reduce((sum, folder) => sum + (this.#folders.get(folder) ?? 0), 0);
  }

  #below(path: string): string[] {
    const top = trimmed(path);
    return [...this.#folders.keys()].filter((folder) => folder === top || folder.startsWith(`${top}/`));
  }
}

function trimmed(path: string): string {
  return path.replace(/\/+$/, "");
}
