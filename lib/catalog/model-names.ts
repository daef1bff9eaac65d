/** Names under which clients ask for a model, kept apart between models. */
import type { Field, ProblemLog } from "../config/fields.ts";
import { type Model, servedSource } from "./catalog.ts";

export interface NamedModel {
  readonly model: Model;
  /** Where its names were given, for problems. */
  readonly names: { readonly aliases?: Field | undefined; readonly served_name?: Field | undefined };
}

/**
 * Each name leads to one model: the first that claims it. Keys claim first, then served names, then aliases. An alias that
 * is taken is removed; a served name that is taken stays (two variants may be drop-in replacements) but is reported.
 * A repository is no claim: several entries may serve one repository differently.
 */
export function withoutCollisions(named: readonly NamedModel[], log: ProblemLog): readonly Model[] {
  const owners = new Map(named.map(({ model }) => [model.key, model.key]));
  const claim = (name: string, key: string): string | null => {
    const owner = owners.get(name) ?? key;
    owners.set(name, owner);
    return owner === key ? null : owner;
  };
  for (const { model, names } of named) {
    if (model.served_name === null || names.served_name === undefined) continue;
    const owner = claim(model.served_name, model.key);
    if (owner === null) continue;
    const message = `The name "${model.served_name}" belongs to the model ${owner} too.`;
    log.add(names.served_name.at(), message, `A request for that name means ${owner}, unless ${model.key} is loaded.`);
  }
  return named.map(({ model, names }) => {
    const aliases = model.aliases.filter((alias) => {
      const owner = alias === servedSource(model) ? null : claim(alias, model.key);
      const index = model.aliases.indexOf(alias);
      if (owner !== null && names.aliases) {
        log.add(
          names.aliases.at(index),
          `The name "${alias}" belongs to the model ${owner}.`,
          "The alias is left out.",
        );
      }
      return owner === null;
    });
    return aliases.length === model.aliases.length ? model : { ...model, aliases };
  });
}
