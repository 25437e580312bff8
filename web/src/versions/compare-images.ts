import { readSettings } from '../tags/manifest-text.ts';

interface Layer {
  readonly digest: string;
  readonly sizeBytes: number;
}

interface Layers<T> {
  readonly common: readonly T[];
  readonly added: readonly T[];
  readonly removed: readonly T[];
}

/** Layers by digest, in the order of their image. */
export function compareLayers<T extends Layer>(from: readonly T[], to: readonly T[]): Layers<T> {
  const [before, after] = [from, to].map((layers) => new Set(layers.map(({ digest }) => digest)));
  return {
    common: to.filter(({ digest }) => before?.has(digest)),
    added: to.filter(({ digest }) => !before?.has(digest)),
    removed: from.filter(({ digest }) => !after?.has(digest)),
  };
}

interface ChangedSetting {
  readonly name: string;
  /** Undefined: absent. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** The settings that differ between two configs, each variable and label by itself. */
export function compareConfigs(from: string, to: string): readonly ChangedSetting[] {
  const [before, after] = [readSettings(from), readSettings(to)];
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((name) => ({ name, before: before.get(name), after: after.get(name) }))
    .filter((setting) => setting.before !== setting.after);
}

export function sizeOf(layers: readonly Layer[]): number {
  return layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}
